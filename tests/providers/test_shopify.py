"""Shopify's offline tokens without expiry, and their exchange for expiring ones."""

import hashlib
import hmac
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.urls import reverse

from sequin_admin.audit.models import Event
from sequin_admin.connect import credential_operations
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import OAuthContext
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.health import probes
from sequin_admin.providers.shopify import signatures
from sequin_admin.tokens.models import Token
from tests.due_work import refresh_due

SHOP = "shop-001.myshopify.com"


@pytest.fixture
def app(make_app):
    return make_app("shopify")


@pytest.fixture
def old_token(simulated, app):
    """An offline token without expiry: requested without `expiring`."""
    known = simulated.app("shopify")
    scope = "read_products,read_orders,read_customers"
    query = {"client_id": app.client_id, "scope": scope, "redirect_uri": known["redirect_uris"][0]}
    url = f"https://{SHOP}/admin/oauth/authorize?{urlencode(query)}"
    back = dict(parse_qsl(urlsplit(simulated.consent(url, account=SHOP)).query))
    fields = {"client_id": app.client_id, "client_secret": known["client_secret"]}
    address = simulated.url_for(f"https://{SHOP}/admin/oauth/access_token")
    answer = simulated.http.post(address, json={**fields, "code": back["code"]})
    return answer.json()["access_token"]


@pytest.fixture
def imported(old_token, app, organization, user):
    """A credential with such a token."""

    def save(**columns):
        declared = kinds.get("shopify_oauth2").properties_class
        properties = declared(kind="shopify_oauth2", shop=SHOP, access_token=old_token)
        columns = {"oauth_app": app, **columns}
        return credential_operations.save_credential(
            organization, properties, actor=user, **columns
        ).credential

    return save


@pytest.mark.parametrize("came", ["SHOP-001.myshopify.com", "Shop-001.MyShopify.com"])
def test_a_shop_in_another_case_is_the_one_that_was_asked_for(came):
    """At the callback, and where Shopify opens our app to have it installed."""
    params = {"shop": came, "timestamp": str(int(clock.now().timestamp()))}
    message = "&".join(f"{name}={value}" for name, value in sorted(params.items()))
    params["hmac"] = hmac.new(b"hush", message.encode(), hashlib.sha256).hexdigest()
    context = OAuthContext("us", {"client_secret": "hush"}, {"shop": SHOP}, params)
    shopify = kinds.get("shopify_oauth2")

    shopify.check_callback(context)
    inputs = shopify.check_install(params, context)
    assert shopify.properties_class.only(("shop",))(**inputs).public_values() == {"shop": SHOP}

    with pytest.raises(Refused, match="another"):
        shopify.check_callback(replace(context, inputs={"shop": "another.myshopify.com"}))


def fresh(credential):
    return Credential.objects.get(pk=credential.pk)


def test_an_old_token_works_and_the_page_says_what_it_means(imported, client, user):
    credential = imported()
    client.force_login(user)

    assert probes.verify(credential).ok
    page = client.get(reverse("dashboard:credential_token", args=[credential.pk])).content.decode()
    assert "an offline token that never expires" in page
    assert "Exchange the token" in page


def test_the_button_exchanges_it(imported, old_token, client, user):
    credential = imported()
    client.force_login(user)

    answer = client.post(reverse("dashboard:exchange", args=[credential.pk]), follow=True)

    page = answer.content.decode()
    stored = fresh(credential)
    assert "has a token that is renewed from now on" in page
    assert "Exchange the token" not in page
    assert stored.secrets["refresh_token"].startswith("shprt_")
    assert stored.secrets["access_token"] != old_token
    assert stored.health_status == "healthy"
    assert Token.objects.get(pk=credential.pk).refresh_at > clock.now()


def test_programs_exchange_it_too(imported, old_token, api):
    one = f"/v1/credentials/{imported().pk}"
    assert "an offline token" in api.get(f"{one}/status").json()["outdated_token"]

    answer = api.post(f"{one}/exchange")

    assert (answer.status_code, answer.json()["status"]) == (200, "healthy")
    assert Credential.objects.get().secrets["access_token"] != old_token
    assert api.get(f"{one}/status").json()["outdated_token"] == ""
    again = api.post(f"{one}/exchange")
    assert (again.status_code, "no token to exchange" in again.json()["summary"]) == (409, True)


def test_programs_are_told_why_nothing_was_exchanged(imported, api, simulated, app):
    one = f"/v1/credentials/{imported().pk}"
    simulated.act("shopify", SHOP, "outage")

    answer = api.post(f"{one}/exchange")

    assert answer.status_code == 503
    assert answer["Retry-After"]


def test_exchanging_is_audited_before_it_is_done(imported, user, simulated):
    credential = imported()
    simulated.act("shopify", SHOP, "outage")

    with pytest.raises(Refused):
        credential_operations.exchange_token(credential, actor=user)

    assert Event.objects.filter(action="credential.token_exchange_begun").count() == 1


def test_a_lost_answer_is_fetched_by_the_worker(imported, simulated, user, old_token):
    credential = imported()
    simulated.act("shopify", SHOP, "lost_response")
    with pytest.raises(Refused) as lost:
        credential_operations.exchange_token(credential, actor=user)
    assert lost.value.outcome.verdict is Verdict.TRANSIENT
    # Shopify has revoked the old token, which is not the merchant's fault.
    assert probes.verify(fresh(credential)).verdict is Verdict.TRANSIENT

    Token.objects.filter(pk=credential.pk).update(next_try_at=None, refresh_at=clock.now())
    assert refresh_due() == 1

    assert fresh(credential).secrets["refresh_token"]
    assert probes.verify(fresh(credential)).ok


def test_the_worker_exchanges_nothing_by_itself(imported, simulated):
    credential = imported()
    probes.verify(credential)

    assert refresh_due() == 0
    assert "refresh_token" not in fresh(credential).secrets


def test_a_refused_exchange_is_not_tried_again(imported, simulated, user, app):
    credential = imported()
    app.secrets = {"client_secret": "wrong"}
    app.save()

    with pytest.raises(Refused) as refused:
        credential_operations.exchange_token(credential, actor=user)

    assert refused.value.outcome.verdict is Verdict.OPERATOR
    assert Token.objects.get(pk=credential.pk).refresh_at is None
    assert probes.verify(fresh(credential)).ok  # with the old token, which is still valid


def test_without_an_app_nothing_is_exchanged(imported, client, user):
    credential = imported(oauth_app=None)
    client.force_login(user)

    answer = client.post(reverse("dashboard:exchange", args=[credential.pk]), follow=True)

    assert "This credential has no OAuth app" in answer.content.decode()


def test_a_probe_that_began_before_the_exchange_does_not_blame_the_merchant(imported, user):
    stale = imported()
    credential_operations.exchange_token(fresh(stale), actor=user)

    assert probes.verify(stale).ok


def test_an_exchanged_token_is_not_exchanged_again(imported, client, user, simulated):
    credential = imported()
    client.force_login(user)
    client.post(reverse("dashboard:exchange", args=[credential.pk]))
    calls = len(simulated.calls("shopify"))

    answer = client.post(reverse("dashboard:exchange", args=[credential.pk]), follow=True)

    assert "has no token to exchange now" in answer.content.decode()
    assert len(simulated.calls("shopify")) == calls


def test_an_uninstalled_app_is_the_merchants(imported, simulated):
    credential = imported()
    simulated.act("shopify", SHOP, "uninstall")

    outcome = probes.verify(credential)

    assert outcome.verdict is Verdict.CUSTOMER
    assert "uninstalled from the shop" in outcome.message


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"shop": SHOP, "timestamp": "9" * 5000, "hmac": "x"},
        {"shop": SHOP, "timestamp": "²", "hmac": "x"},
        {"shop": SHOP, "timestamp": "1", "hmac": "é"},
        {"shop": f"{SHOP}\n", "timestamp": "1", "hmac": "x"},
        {"shop": "evil.test/.myshopify.com", "timestamp": "1", "hmac": "x"},
    ],
    ids=str,
)
def test_odd_parameters_prove_nothing(params):
    now = str(int(clock.now().timestamp()))
    timely = {**params, "timestamp": now} if params.get("timestamp") == "1" else params

    assert signatures.find_fault(timely, "secret") is not None


def test_deleting_an_old_token_uninstalls_the_app(imported, simulated, user):
    assert credential_operations.delete(imported(), actor=user)

    assert simulated.state()["providers"]["shopify"]["accounts"][SHOP]["grants"] == 0
