"""The registry of kinds and their bases."""

import pytest

from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import (
    AppInstallKind,
    ClientCredentialsKind,
    KeyKind,
    OAuthKind,
    PasswordKind,
)
from tests.factories import make_credential

SLUGS = (
    *("stripe_key", "netsuite_tba", "auth0_client_credentials", "hubspot_oauth2"),
    "shopify_oauth2",
)


def test_a_kind_that_nobody_registered_is_none_or_an_error():
    assert kinds.find("acme_key") is None
    assert kinds.find(None) is None
    with pytest.raises(LookupError, match="There is no kind acme_key"):
        kinds.get("acme_key")


def test_a_kind_without_a_login_has_no_flow():
    assert kinds.get_oauth("hubspot_oauth2") is kinds.get("hubspot_oauth2")
    with pytest.raises(LookupError, match="Stripe API key has no OAuth flow"):
        kinds.get_oauth("stripe_key")


@pytest.mark.parametrize(
    ("base", "selected"),
    [
        (KeyKind, {"stripe_key"}),
        (PasswordKind, {"netsuite_tba"}),
        (ClientCredentialsKind, {"auth0_client_credentials"}),
        (OAuthKind, {"hubspot_oauth2", "shopify_oauth2"}),
        (AppInstallKind, {"shopify_oauth2"}),
    ],
)
def test_a_base_selects_the_kinds_that_derive_from_it(organization, base, selected):
    for slug in SLUGS:
        make_credential(organization, slug)

    assert {row.kind for row in base.objects.all()} == selected
    assert all(isinstance(row, base) for row in base.objects.all())


def test_whose_host_it_is_follows_from_what_is_entered():
    theirs = {kind.slug for kind in kinds.all() if kind.host_is_theirs()}

    assert theirs == {
        "auth0_client_credentials",
        "marketo_client_credentials",
        "netsuite_client_credentials",
        "netsuite_oauth2",
        "netsuite_tba",
        "servicenow_client_credentials",
        "servicenow_oauth2",
        "workday_oauth2",
        "workday_password",
    }
