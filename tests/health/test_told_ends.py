"""Ends of access that the answer of a token endpoint names, as a draft of the IETF does."""

from datetime import timedelta

import pytest

from sequin_admin.connect import credential_operations
from sequin_admin.core import clock
from sequin_admin.credentials import grant_ends, kinds
from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.models import Credential
from sequin_admin.tokens import grants, renewal
from sequin_admin.tokens.models import Token
from tests.browser.kinds import STORIES
from tests.factories import make_credential, sample_properties

DAY = timedelta(days=1)
RENEWED = [kind for kind in kinds.all() if grant_ends.OF_ACCESS in kind.property_names]


def told(credential, **members):
    raw = {grant_ends.MEMBERS[name][0]: life.total_seconds() for name, life in members.items()}
    grants.store_grant(credential, TokenGrant("new", "next", expires_in_s=86_400, raw=raw))
    return Credential.objects.get(pk=credential.pk)


def left(credential, name):
    """How long until an end, to within the minutes that ends are told in."""
    return clock.from_iso(credential.properties[name]) - clock.now()


def near(one, other):
    return abs(one - other) < timedelta(minutes=10)


def test_every_kind_that_is_renewed_by_a_refresh_token_has_the_ends():
    renewed = {
        kind.slug
        for kind in kinds.all()
        if kind.oauth and kind.oauth.refresh_property in kind.properties_class.secret_names()
    }

    assert {kind.slug for kind in RENEWED} == renewed
    assert len(renewed) == 10


@pytest.mark.parametrize("kind", RENEWED, ids=lambda kind: kind.slug)
def test_both_ends_are_read_from_a_renewal(organization, kind):
    row = make_credential(organization, kind.slug)

    row = told(row, refresh_token_expires_at=20 * DAY, access_expires_at=50 * DAY)

    assert near(left(row, "refresh_token_expires_at"), 20 * DAY)
    assert near(left(row, "access_expires_at"), 50 * DAY)
    assert row.ends_at - clock.now() <= 50 * DAY


def test_a_told_end_of_access_asks_the_customer_to_act_and_that_of_a_token_does_not(organization):
    row = make_credential(organization, "linear_oauth2")

    assert told(row, refresh_token_expires_at=2 * DAY).access_ends_at() is None
    assert near(told(row, access_expires_at=5 * DAY).access_ends_at() - clock.now(), 5 * DAY)


@pytest.mark.parametrize("life", [None, "", "soon", True, 0, -5, [], float("nan")])
def test_a_life_that_is_none_is_no_end(organization, life):
    row = make_credential(organization, "hubspot_oauth2")
    raw = dict.fromkeys((n for names in grant_ends.MEMBERS.values() for n in names), life)

    grants.store_grant(row, TokenGrant("new", expires_in_s=1800, raw=raw))

    assert not {*grant_ends.NAMES} & Credential.objects.get().properties.keys()
    assert Token.objects.get().refresh_at


@pytest.mark.parametrize(("life_s", "most_s"), [(3600, 3600), (90 * 86_400, 86_400), (10, 300)])
def test_a_token_is_renewed_before_its_refresh_token_ends(organization, life_s, most_s):
    row = make_credential(organization, "salesforce_oauth2")

    told(row, refresh_token_expires_at=timedelta(seconds=life_s))

    token = Token.objects.get()
    wait_s = (token.refresh_at - token.issued_at).total_seconds()
    assert 0.6 * most_s < wait_s < 0.9 * most_s


def test_the_end_of_a_token_goes_with_it(organization):
    row = make_credential(organization, "airtable_oauth2")
    row = told(row, refresh_token_expires_at=60 * DAY, access_expires_at=90 * DAY)

    grants.store_grant(row, TokenGrant("newer", "another", expires_in_s=3600))

    properties = Credential.objects.get().properties
    assert "refresh_token_expires_at" not in properties
    assert "access_expires_at" in properties


def test_a_refresh_token_that_is_entered_has_no_end_of_the_former(organization):
    row = make_credential(organization, "hubspot_oauth2")
    row = told(row, refresh_token_expires_at=60 * DAY, access_expires_at=90 * DAY)
    values = {**sample_properties(type(row), "sample"), **row.properties, "refresh_token": "other"}
    values = {n: value for n, value in values.items() if n not in grant_ends.NAMES}

    credential_operations.replace_secrets(
        row, row.properties_class.model_validate(values), actor=None
    )

    assert not {*grant_ends.NAMES} & Credential.objects.get().properties.keys()


@pytest.mark.parametrize(
    ("slug", "days", "ends"),
    [
        ("airtable_oauth2", 60, False),
        ("shopify_oauth2", 90, False),
        ("quickbooks_oauth2", 100, True),
        ("netsuite_oauth2", 7, True),
        ("servicenow_oauth2", 100, True),
    ],
)
def test_what_a_provider_names_when_connecting_and_renewing_is_known(
    connected, simulated, slug, days, ends
):
    provider = kinds.get(slug).provider
    if provider in ("netsuite", "servicenow"):
        simulated.act(provider, STORIES[slug].account, "tell_ends")
    row = connected(slug)
    assert near(left(row, "refresh_token_expires_at"), days * DAY)
    assert ("access_expires_at" in row.properties) is ends
    row.properties = {n: v for n, v in row.properties.items() if n not in grant_ends.NAMES}
    row.save()

    renewal.refresh(row, force=True)

    row = Credential.objects.get()
    assert near(left(row, "refresh_token_expires_at"), days * DAY)
    assert ("access_expires_at" in row.properties) is ends
