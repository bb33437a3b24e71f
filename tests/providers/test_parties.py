"""Whose move it is, where an answer looks like somebody else's fault."""

from datetime import UTC, datetime, timedelta

import pytest
from oauthlib.oauth1 import rfc5849

from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.health import probes
from sequin_admin.providers.hubspot import kind as hubspot
from sequin_admin.tokens.models import Token
from tests.browser.kinds import STORIES

SHOP = STORIES["shopify_oauth2"].account
SALESFORCE = STORIES["salesforce_oauth2"].account
NETSUITE = STORIES["netsuite_tba"].account
RENEWING = [kind.slug for kind in kinds.all() if kind.mints_tokens() or kind.oauth]


@pytest.fixture
def ahead(monkeypatch):
    """Put this server's clock ahead of everybody's."""

    def ahead(**gap):
        real = clock.now
        monkeypatch.setattr(clock, "now", lambda: real() + timedelta(**gap))

    return ahead


def verify(credential):
    outcome = probes.verify(Credential.objects.select_related("oauth_app").get(pk=credential.pk))
    return outcome, Credential.objects.get(pk=credential.pk)


def expire():
    Token.objects.update(expires_at=clock.now() - timedelta(seconds=1))


@pytest.mark.parametrize("minutes", [20, -20])
def test_our_clock_is_not_githubs_private_key(connected, simulated, ahead, minutes):
    credential = connected("github_app")
    ahead(minutes=minutes)
    expire()

    outcome, seen = verify(credential)

    assert (outcome.verdict, outcome.code) == (Verdict.OPERATOR, "clock")
    assert "private key" not in seen.health_note
    assert "this server's clock is about 20 minutes" in seen.health_note
    assert OAuthApp.objects.get().health_status == "sequin_intervention"


@pytest.fixture
def shopify(make_app, go):
    """Come back from Shopify's consent page, with some parameters forged."""
    app = make_app("shopify")

    def come_back(**forged):
        return go("shopify_oauth2", SHOP, oauth_app=app, inputs={"shop": SHOP}, forged=forged)

    return come_back


@pytest.mark.parametrize(
    ("seconds", "error", "told"),
    [
        (600, "server_error", "this server's clock is about 10 minutes behind Shopify's"),
        (-600, "access_denied", "is 10 minutes old"),
    ],
)
def test_shopifys_time_is_not_its_signature(shopify, simulated, seconds, error, told):
    simulated.clock(seconds)

    session = shopify()

    assert session.error == error
    assert told in session.failure
    assert "signed" not in session.failure
    assert "OAuth app's secret" not in session.failure


def test_shopifys_shop_is_not_its_signature(shopify):
    session = shopify(shop="harkonnen.myshopify.com")

    assert session.error == "access_denied"
    assert "harkonnen.myshopify.com" in session.failure
    assert "The merchant must" in session.failure


def test_shopifys_signature_is_ours(shopify):
    session = shopify(hmac="0" * 64)

    assert session.error == "server_error"
    assert "compare the OAuth app's secret" in session.failure


@pytest.mark.parametrize(
    ("switch", "told"),
    [
        ("break_signature", "was not signed with our app's secret"),
        ("foreign_login_host", "the app's secret is right"),
    ],
)
def test_salesforces_host_is_not_its_signature(make_app, go, simulated, switch, told):
    simulated.act("salesforce", SALESFORCE, switch)

    session = go(
        "salesforce_oauth2",
        SALESFORCE,
        oauth_app=make_app("salesforce"),
        inputs={"login_host": "login.salesforce.com"},
    )

    assert session.error == "server_error"
    assert told in session.failure


def test_netsuites_rest_services_spell_the_nonce_otherwise(connected, monkeypatch):
    credential = connected("netsuite_tba")
    monkeypatch.setattr(rfc5849, "generate_nonce", lambda: "42")
    assert verify(credential)[0].ok

    outcome, seen = verify(credential)

    assert (outcome.verdict, outcome.code) == (Verdict.OPERATOR, "nonce_used")
    assert seen.health_status == "sequin_intervention"


@pytest.mark.parametrize("slug", ["netsuite_tba", "netsuite_oauth2", "netsuite_client_credentials"])
def test_netsuites_refused_login_is_no_lack_of_a_role(connected, simulated, slug):
    credential = connected(slug)
    simulated.act("netsuite", NETSUITE, "deny_login")

    outcome, seen = verify(credential)

    assert outcome.verdict is Verdict.CUSTOMER
    assert outcome.code != "INSUFFICIENT_PERMISSION"
    assert "role lacks" not in seen.health_note


def test_netsuites_time_stamp_is_our_clock(connected, simulated):
    credential = connected("netsuite_tba")
    simulated.clock(3600)

    outcome, seen = verify(credential)

    assert outcome.code == "timestamp_refused"
    assert "this server's clock" in seen.health_note


@pytest.mark.parametrize("slug", RENEWING)
def test_a_proxys_page_at_the_token_endpoint_is_nobodys_secret(connected, simulated, slug):
    credential = connected(slug)
    verify(credential)
    expire()
    simulated.fault(credential.provider, "proxy")

    outcome, seen = verify(credential)

    assert (outcome.verdict, outcome.code) == (Verdict.TRANSIENT, "not_json")
    assert seen.health_status in ("", "healthy")
    assert "Nothing to do" in seen.health_note


@pytest.mark.parametrize("slug", list(STORIES))
def test_a_proxys_page_at_the_api_blames_nobody(connected, simulated, slug):
    credential = connected(slug)
    verify(credential)
    simulated.act(credential.provider, STORIES[slug].account, "proxy")

    outcome, seen = verify(credential)

    assert outcome.verdict is Verdict.TRANSIENT
    assert seen.health_status == "healthy"


def test_hubspots_daily_limit_lasts_until_midnight_there(connected, simulated, monkeypatch):
    credential = connected("hubspot_oauth2")
    assert verify(credential)[1].properties["time_zone"] == "Etc/UTC"
    simulated.act("hubspot", STORIES["hubspot_oauth2"].account, "use_up_day")

    outcome, seen = verify(credential)

    now = clock.now()
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    assert (outcome.verdict, outcome.code) == (Verdict.TRANSIENT, "throttled")
    assert abs((seen.check_due_at - midnight).total_seconds()) < 130
    assert seen.health_status == "healthy"


@pytest.mark.parametrize(
    ("zone", "hours"), [("America/New_York", 11), ("Asia/Tokyo", 21), ("None", 6), ("../etc", 6)]
)
def test_midnight_is_that_of_the_account(monkeypatch, zone, hours):
    moment = datetime(2026, 11, 28, 18, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: moment)

    assert hubspot.until_midnight_s(zone) == hours * 3600
