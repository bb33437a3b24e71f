"""What a renewal brings besides tokens is taken, as when the account was connected."""

from datetime import timedelta

import pytest

from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.models import Credential
from sequin_admin.health import probes
from sequin_admin.tokens import grants
from sequin_admin.tokens.grants import facts_of_renewal
from sequin_admin.tokens.models import Token
from tests.factories import make_credential

pytestmark = pytest.mark.django_db
# By kind: what its token answer may name, and the properties that this becomes. See providers.md.
SCOPE = ({"scope": "a b"}, {"scope": "a b"})
BROUGHT = {
    "airtable_oauth2": SCOPE,
    "auth0_client_credentials": SCOPE,
    "hubspot_oauth2": (
        {"hub_id": 7, "user_id": 8, "scopes": ["oauth", "tickets"]},
        {"user_id": 8, "scopes": ["oauth", "tickets"]},
    ),
    "linear_oauth2": (
        {"scope": "read,write", "expires_in": 86399},
        {"scope": "read write", "expires_in_s": 86399},
    ),
    "marketo_client_credentials": (
        {"scope": "api@arrakis.test"},
        {"api_user": "api@arrakis.test"},
    ),
    "netsuite_oauth2": SCOPE,
    "quickbooks_oauth2": ({"x_refresh_token_expires_in": 8_726_400}, {"refresh_token_expires_at"}),
    "salesforce_oauth2": (
        {"instance_url": "https://moved.my.salesforce.com/", "scope": "api"},
        {"instance_url": "https://moved.my.salesforce.com", "scope": "api"},
    ),
    "servicenow_client_credentials": SCOPE,
    "servicenow_oauth2": SCOPE,
    "shopify_oauth2": (
        {"scope": "read_orders,write_orders"},
        {"scope": "read_orders,write_orders"},
    ),
    "stripe_oauth2": (
        {"scope": "read_only", "stripe_user_id": "acct_other", "livemode": True},
        {"scope": "read_only"},
    ),
}
# Their token answers name nothing but tokens, or there are none.
NOTHING = {
    *("checkout_champ_password", "github_app", "netsuite_client_credentials", "netsuite_tba"),
    *("sendgrid_key", "stripe_key", "workday_oauth2", "workday_password"),
}


def grant_of(kind, answer):
    return kind.parse_grant({"access_token": "new", **answer})


def test_every_kind_says_what_its_renewals_bring():
    assert {kind.slug for kind in kinds.all()} == set(BROUGHT) | NOTHING


@pytest.mark.parametrize("slug", BROUGHT)
def test_what_a_token_answer_names_is_taken(slug, organization):
    answer, facts = BROUGHT[slug]
    credential = make_credential(organization, slug)

    found = facts_of_renewal(credential, grant_of(type(credential), answer))

    assert set(found) == set(facts)
    assert not isinstance(facts, dict) or found == facts


@pytest.mark.parametrize("slug", sorted(set(BROUGHT) | NOTHING))
def test_an_answer_that_names_nothing_changes_nothing(slug, organization):
    credential = make_credential(organization, slug)

    assert facts_of_renewal(credential, TokenGrant("new")) == {}


@pytest.mark.parametrize(
    ("slug", "answer"),
    [
        ("salesforce_oauth2", {"instance_url": "https://harkonnen.example", "scope": "api"}),
        ("salesforce_oauth2", {"instance_url": {"url": "https://a.my.salesforce.com"}}),
        ("hubspot_oauth2", {"scopes": "oauth", "user_id": -1}),
        ("hubspot_oauth2", {"scopes": [1], "user_id": True}),
    ],
)
def test_what_is_not_valid_is_left_out_and_no_token_is_lost(organization, slug, answer):
    credential = make_credential(organization, slug)
    before = dict(credential.properties)
    grant = grant_of(type(credential), {"refresh_token": "rotated", **answer})

    grants.store_grant(credential, grant)

    stored = Credential.objects.get()
    changed = {n for n, value in stored.properties.items() if before.get(n) != value}
    assert changed <= {"scope"}
    assert stored.secrets["refresh_token"] == "rotated"
    assert Token.objects.get().version == 1


def test_a_moved_organization_is_called_at_its_new_host(make_app, connect, simulated):
    options = {"inputs": {"login_host": "login.salesforce.com"}}
    credential = connect(make_app("salesforce"), "00D5g000004ArrakEA", **options).credential
    simulated.act("salesforce", "00D5g000004ArrakEA", "move_organization")
    past = clock.now() - timedelta(seconds=1)
    Token.objects.filter(pk=credential.pk).update(expires_at=past)

    outcome = probes.verify(Credential.objects.get())

    moved = Credential.objects.get()
    assert outcome.ok
    assert moved.base_url() == "https://arrakis-moved.my.salesforce.com"
    assert moved.secrets["refresh_token"] == credential.secrets["refresh_token"]
    assert probes.verify(moved).ok
