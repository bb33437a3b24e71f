"""Every kind with an OAuth app of ours at the simulator: connected, renewed, revoked."""

from datetime import timedelta

import pytest

from sequin_admin.connect import credential_operations
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.health import probes
from sequin_admin.tokens import renewal
from sequin_admin.tokens.models import Token
from tests.factories import new_pem

# By provider: account at the simulator, properties asked before, resulting properties.
CONNECTIONS = {
    "airtable": ("usrziLeD23j9AJ1", {}, {"airtable_uid": "usrziLeD23j9AJ1"}),
    "github": ("paul-atreides", {}, {"installation_id": 47232440, "account_type": "User"}),
    "hubspot": ("21902692", {}, {"hub_id": 21902692, "hub_domain": "arrakis.io"}),
    "linear": ("abc123", {}, {"linear_org_id": "abc123", "linear_org_name": "Arrakis Inc."}),
    "quickbooks": (
        "4620816365001234567",
        {"sandbox": False},
        {"realm_id": "4620816365001234567", "sandbox": False},
    ),
    "salesforce": (
        "00D5g000004ArrakEA",
        {"login_host": "login.salesforce.com"},
        {"sfid": "00D5g000004ArrakEA", "instance_url": "https://arrakis.my.salesforce.com"},
    ),
    "shopify": (
        "shop-001.myshopify.com",
        {"shop": "shop-001.myshopify.com"},
        {"shop": "shop-001.myshopify.com", "scope": "read_products,read_orders,read_customers"},
    ),
    "stripe": (
        "acct_1Arrakis0000001",
        {},
        {"account_id": "acct_1Arrakis0000001", "name": "Arrakis [TEST]", "test": True},
    ),
}
# Airtable has no revocation call: users remove integrations in their account settings.
KEEPS_ACCESS = {"airtable"}
ANOTHER_KEY = new_pem()
ALL = pytest.mark.parametrize("provider", CONNECTIONS)


@pytest.fixture
def connected(make_app, connect):
    """A new credential of a provider."""

    def make(provider):
        account, asked, _ = CONNECTIONS[provider]
        connect_session = connect(make_app(provider), account, inputs=asked)
        assert connect_session.credential, connect_session.failure
        return connect_session.credential

    return make


def expire(credential):
    past = clock.now() - timedelta(seconds=1)
    Token.objects.filter(credential=credential).update(expires_at=past, next_try_at=None)


def fresh(credential):
    return Credential.objects.get(pk=credential.pk)


@ALL
def test_connecting_fills_the_properties_and_works(connected, provider):
    credential = connected(provider)

    assert credential.properties.items() >= CONNECTIONS[provider][2].items()
    assert probes.verify(credential).ok


@ALL
def test_an_expired_token_is_renewed(connected, provider):
    credential = connected(provider)
    probes.verify(credential)
    expire(credential)

    assert probes.verify(fresh(credential)).ok
    assert Token.objects.get(pk=credential.pk).expires_at > clock.now()


@ALL
def test_revoked_access_is_the_customers(connected, provider, simulated):
    credential = connected(provider)
    simulated.act(
        provider, CONNECTIONS[provider][0], "uninstall" if provider == "github" else "revoke"
    )
    expire(credential)

    outcome = probes.verify(fresh(credential))

    assert outcome.verdict is Verdict.CUSTOMER
    assert fresh(credential).health_status == "customer_intervention"


@ALL
def test_denying_keeps_nothing(make_app, connect, provider):
    account, asked, _ = CONNECTIONS[provider]

    connect_session = connect(make_app(provider), account, inputs=asked, allow=False)

    assert connect_session.credential is None
    assert "Access was denied" in connect_session.failure


@ALL
def test_the_wrong_client_secret_is_ours(connected, provider, simulated):
    credential = connected(provider)
    app = credential.oauth_app
    wrong = {"client_secret": "sk_test_wrong", "private_key": ANOTHER_KEY}
    app.secrets = {name: wrong[name] for name in app.secrets if name in wrong}
    app.save()
    expire(credential)

    outcome = probes.verify(fresh(credential))

    assert outcome.verdict is Verdict.OPERATOR
    assert outcome.of_app


@pytest.mark.parametrize("provider", ["linear", "shopify"])
def test_rotating_tokens_rotate_again_and_again(connected, provider):
    credential = connected(provider)
    seen = set()
    for _ in range(4):
        expire(credential)
        renewal.get_access_token(fresh(credential))
        seen.add(fresh(credential).secrets["refresh_token"])

    assert len(seen) == 4
    assert probes.verify(fresh(credential)).ok


def test_salesforce_rotates_only_when_it_is_told_to(connected, simulated):
    credential = connected("salesforce")
    before = credential.secrets["refresh_token"]
    expire(credential)
    renewal.get_access_token(fresh(credential))
    assert fresh(credential).secrets["refresh_token"] == before

    simulated.act("salesforce", "00D5g000004ArrakEA", "rotate_refresh_tokens")
    expire(credential)
    renewal.get_access_token(fresh(credential))

    assert fresh(credential).secrets["refresh_token"] != before


@pytest.mark.parametrize("flag", ["freeze", "lock", "close", "drop_scope"])
def test_a_closed_shop_is_the_merchants(connected, simulated, flag):
    credential = connected("shopify")
    simulated.act("shopify", "shop-001.myshopify.com", flag)

    assert probes.verify(credential).verdict is Verdict.CUSTOMER


@pytest.mark.parametrize(
    ("forged", "said"),
    [
        ({"hmac": "0" * 64}, "not signed with our app's secret"),
        ({"shop": "harkonnen.myshopify.com"}, "not from shop-001.myshopify.com"),
        ({"timestamp": "1700000000"}, "not signed with our app's secret"),
        ({"unknown": "parameter"}, "not signed with our app's secret"),
    ],
    ids=["hmac", "shop", "timestamp", "unknown"],
)
def test_a_shopify_callback_that_was_touched_is_refused(make_app, go, forged, said):
    connect_session = go(
        "shopify_oauth2",
        "shop-001.myshopify.com",
        oauth_app=make_app("shopify"),
        inputs={"shop": "shop-001.myshopify.com"},
        forged=forged,
    )

    assert connect_session.credential is None
    assert said in connect_session.failure


def test_a_forged_github_installation_is_refused(make_app, go):
    connect_session = go(
        "github_app",
        "paul-atreides",
        oauth_app=make_app("github"),
        forged={"installation_id": "47232441"},
    )

    assert connect_session.credential is None
    assert (
        "does not confirm that this installation belongs to the person" in connect_session.failure
    )


def test_an_installation_that_waits_for_an_owner_says_so(make_app, go):
    connect_session = go(
        "github_app",
        "arrakis-inc",
        oauth_app=make_app("github"),
        forged={"setup_action": "request"},
    )

    assert "An owner of the GitHub organization must approve" in connect_session.failure


@ALL
def test_deleting_gives_the_access_back_where_the_provider_takes_it(
    connected, provider, simulated, user
):
    credential = connected(provider)
    expire(credential)
    simulated.act(provider, CONNECTIONS[provider][0], "expire")

    given_back = credential_operations.delete(fresh(credential), actor=user)

    known = simulated.state()["providers"][provider]["accounts"][CONNECTIONS[provider][0]]
    assert given_back == (provider not in KEEPS_ACCESS)
    assert (known["grants"] == 0) == given_back
    assert not Credential.objects.exists()
