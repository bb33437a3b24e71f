"""Dated changes that end tokens, as providers announced them: each by the simulated clock or a
switch of the control page."""

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.simulator.customer import PKCE, VERIFIER, Customer
from tests.simulator.test_github import App
from tests.simulator.test_living_rows import new_token
from tests.simulator_server import Simulator

DAY_S = 86_400
SHOP, ORG, SUBSIDIARY = "shop-001.myshopify.com", "00D5g000004ArrakEA", "7654321"


class Shopify:
    """Codes and tokens of a shop; `expiring` tokens only on request."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator, app = simulator, simulator.app("shopify")
        self.pair = {name: app[name] for name in ("client_id", "client_secret")}
        self.redirect_uri = app["redirect_uris"][0]

    def post(self, **fields: str) -> dict:
        url = self.simulator.url_for(f"https://{SHOP}/admin/oauth/access_token")
        return self.simulator.http.post(url, json={**self.pair, **fields}).json()

    def connect(self, **fields: str) -> dict:
        query = {
            "client_id": self.pair["client_id"],
            "redirect_uri": self.redirect_uri,
            **{"scope": "read_products", "state": "s1"},
        }
        url = f"https://{SHOP}/admin/oauth/authorize?{urlencode(query)}"
        back = self.simulator.consent(url, account=SHOP)
        return self.post(code=dict(parse_qsl(urlsplit(back).query))["code"], **fields)

    def refresh(self, token: str) -> dict:
        return self.post(grant_type="refresh_token", refresh_token=token)

    def read(self, token: str) -> int:
        url = self.simulator.url_for(f"https://{SHOP}/admin/api/2026-10/shop.json")
        headers = {"X-Shopify-Access-Token": token}
        return self.simulator.http.get(url, headers=headers).status_code


@pytest.fixture
def shopify(simulator: Simulator) -> Shopify:
    return Shopify(simulator)


@pytest.fixture
def salesforce(simulator: Simulator) -> Customer:
    return Customer(simulator, "salesforce")


def test_salesforce_demands_pkce(salesforce, simulator):
    url = simulator.url_for(salesforce.address(code_challenge_method="plain"))

    assert "error=invalid_request" in simulator.http.get(url).headers["location"]


def test_salesforce_revokes_a_grant_whose_spent_refresh_token_comes_again(salesforce, simulator):
    simulator.act("salesforce", ORG, "rotate_refresh_tokens")
    first = salesforce.connect()["refresh_token"]
    second = salesforce.refresh(first).json()["refresh_token"]

    assert salesforce.refresh(first).json()["error"] == "invalid_grant"
    assert salesforce.refresh(second).json()["error"] == "invalid_grant"


def test_salesforce_ends_a_refresh_token_that_is_idle_for_30_days(salesforce, simulator):
    token = salesforce.connect()["refresh_token"]

    simulator.clock(29 * DAY_S)
    assert salesforce.refresh(token).status_code == 200
    simulator.clock(29 * DAY_S)
    assert salesforce.refresh(token).status_code == 200
    simulator.clock(30 * DAY_S)
    assert salesforce.refresh(token).json()["error"] == "invalid_grant"


def test_salesforce_lets_in_only_addresses_on_the_list(salesforce, simulator):
    token = salesforce.connect()["refresh_token"]

    simulator.act("salesforce", ORG, "restrict_address")

    assert salesforce.refresh(token).json()["error_description"] == "ip restricted"


def test_salesforce_takes_a_staged_secret_until_it_is_the_only_one(salesforce, simulator):
    token = salesforce.connect()["refresh_token"]
    fields = {"grant_type": "refresh_token", "refresh_token": token}
    simulator.change_app("salesforce", staged_secret="staged")

    assert salesforce.post(fields).status_code == 200
    assert salesforce.post(fields, secret="staged").status_code == 200
    simulator.post("drills", provider="salesforce", name="rotate_secret")
    assert salesforce.post(fields, secret="staged").status_code == 200
    assert salesforce.post(fields).json()["error"] == "invalid_client"
    assert simulator.app("salesforce")["client_secret"] == "staged"


def test_shopify_refuses_tokens_of_public_apps_that_never_end_from_2027_on(shopify, simulator):
    simulator.post("reset", at="2026-12-31T23:59:00Z")
    old = shopify.connect()["access_token"]
    simulator.change_app("shopify", distribution="public")

    assert shopify.read(old) == 200
    simulator.clock(60)
    assert shopify.read(old) == 403
    offline = "urn:shopify:params:oauth:token-type:offline-access-token"
    pair = shopify.post(
        grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token=old,
        subject_token_type=offline,
        requested_token_type=offline,
        expiring="1",
    )
    assert shopify.read(pair["access_token"]) == 200


def test_shopify_lets_custom_apps_keep_tokens_that_never_end(shopify, simulator):
    old = shopify.connect()["access_token"]

    simulator.clock(400 * DAY_S)

    assert shopify.read(old) == 200


def test_shopify_ends_refresh_tokens_after_90_days_and_access_after_an_hour(shopify, simulator):
    pair = shopify.connect(expiring="1")

    simulator.clock(3_601)
    assert shopify.read(pair["access_token"]) == 401
    simulator.clock(90 * DAY_S)
    assert shopify.refresh(pair["refresh_token"])["error"] == "invalid_grant"


@pytest.mark.parametrize(("days", "works"), [(29, True), (31, False)])
def test_shopify_repeats_a_refresh_for_30_days(shopify, simulator, days, works):
    old = shopify.connect(expiring="1")["refresh_token"]
    new = shopify.refresh(old)

    simulator.clock(days * DAY_S)

    again = shopify.refresh(old)
    assert (again.get("refresh_token") == new["refresh_token"]) is works


def test_shopify_repeats_no_refresh_whose_successor_was_used(shopify):
    old = shopify.connect(expiring="1")["refresh_token"]
    new = shopify.refresh(old)["refresh_token"]

    shopify.refresh(new)

    assert shopify.refresh(old)["error"] == "invalid_grant"


def test_hubspot_ends_version_1_on_16_february_2027(simulator):
    him = Customer(simulator, "hubspot")
    him.token_url = "https://api.hubapi.com/oauth/v1/token"
    simulator.post("reset", at="2027-02-15T23:59:00Z")
    token = him.connect()["refresh_token"]
    info = f"https://api.hubapi.com/oauth/v1/refresh-tokens/{token}"

    assert him.call(info, token).status_code == 200
    simulator.clock(60)
    assert him.call(info, token).status_code == 410
    assert him.refresh(token).status_code == 410
    him.token_url = "https://api.hubapi.com/oauth/2026-03/token"
    assert him.refresh(token).status_code == 200


def netsuite_token(simulator: Simulator, **extra: str) -> str:
    base = f"https://{SUBSIDIARY}.suitetalk.api.netsuite.com"
    authorize = f"https://{SUBSIDIARY}.app.netsuite.com/app/login/oauth2/authorize.nl"
    urls = (authorize, f"{base}/services/rest/auth/oauth2/v1/token")
    scope = {"scope": "rest_webservices"}
    return new_token(simulator, "netsuite", SUBSIDIARY, SUBSIDIARY, urls, **scope, **extra)


def test_netsuite_demands_pkce_of_new_integrations(simulator):
    simulator.act("netsuite", SUBSIDIARY, "require_pkce")
    app = simulator.app("netsuite", SUBSIDIARY)
    query = {
        "response_type": "code",
        "client_id": app["client_id"],
        "redirect_uri": app["redirect_uris"][0],
        "scope": "rest_webservices",
        "state": "s" * 43,
    }
    url = f"https://{SUBSIDIARY}.app.netsuite.com/app/login/oauth2/authorize.nl?{urlencode(query)}"

    answer = simulator.http.get(simulator.url_for(url))

    assert "error=invalid_request" in answer.headers["location"]
    assert netsuite_token(simulator, **PKCE)


def test_netsuite_refuses_what_is_signed_when_tba_has_ended(simulator):
    app = simulator.app("netsuite", SUBSIDIARY)
    path = f"{SUBSIDIARY}.suitetalk.api.netsuite.com/services/rest/record/v1/metadata-catalog"
    given = {
        "realm": SUBSIDIARY,
        "oauth_consumer_key": app["consumer_key"],
        "oauth_token": app["token_id"],
        "oauth_nonce": "n",
        "oauth_timestamp": "1",
    }
    signed = ", ".join(f'{name}="{value}"' for name, value in given.items())

    def code() -> str:
        headers = {"Authorization": f"OAuth {signed}"}
        answer = simulator.http.get(f"{simulator.url}/{path}", headers=headers)
        return answer.headers["WWW-Authenticate"]

    assert "consumer_key_refused" not in code()
    simulator.act("netsuite", SUBSIDIARY, "refuse_legacy")
    assert "consumer_key_refused" in code()


def test_linear_gives_an_old_app_a_token_for_ten_years_alone(simulator):
    him = Customer(simulator, "linear")
    simulator.act("linear", him.account, "legacy_app")

    tokens = him.connect()

    assert "refresh_token" not in tokens
    assert tokens["expires_in"] == 315_360_000
    simulator.clock(9 * 365 * DAY_S)
    body = {"query": "{ viewer { id } }"}
    url = simulator.url_for("https://api.linear.app/graphql")
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert simulator.http.post(url, json=body, headers=headers).status_code == 200


def test_linear_gives_each_app_of_today_a_refresh_token(simulator):
    tokens = Customer(simulator, "linear").connect()

    assert tokens["expires_in"] == 86_399
    assert tokens["refresh_token"]


def test_quickbooks_tells_the_hard_end_only_when_it_is_asked_for(simulator):
    app = simulator.app("quickbooks")
    query = {
        "response_type": "code",
        "client_id": app["client_id"],
        "redirect_uri": app["redirect_uris"][0],
        **{"scope": "com.intuit.quickbooks.accounting", "state": "s1"},
    }
    url = f"https://appcenter.intuit.com/connect/oauth2?{urlencode(query)}"
    back = dict(parse_qsl(urlsplit(simulator.consent(url, account="4620816365001234567")).query))
    asked = {
        "grant_type": "authorization_code",
        "code": back["code"],
        "redirect_uri": query["redirect_uri"],
        "code_verifier": VERIFIER,
    }
    token_url = simulator.url_for("https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer")
    login = (app["client_id"], app["client_secret"])

    first = simulator.http.post(token_url, data=asked, auth=login).json()
    again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    simulator.clock(365 * DAY_S / 12)
    told = simulator.http.post(
        token_url,
        data=again,
        auth=login,
        headers={"x-include-refresh-token-hard-expires-in": "true"},
    ).json()

    assert "x_refresh_token_hard_expires_in" not in first
    assert 4.8 * 365 * DAY_S < told["x_refresh_token_hard_expires_in"] < 5 * 365 * DAY_S


@pytest.mark.parametrize(("days", "status"), [(59, 200), (61, 400)])
def test_airtable_ends_a_refresh_token_that_is_idle_for_60_days(simulator, days, status):
    him = Customer(simulator, "airtable")
    first = him.connect()["refresh_token"]
    simulator.clock(50 * DAY_S)
    second = him.refresh(first).json()["refresh_token"]

    simulator.clock(days * DAY_S)

    assert him.refresh(second).status_code == status


@pytest.mark.parametrize(("days", "works"), [(183, True), (185, False)])
def test_github_ends_a_users_refresh_token_after_six_months(simulator, days, works):
    app = App(simulator)
    tokens = app.exchange(app.install()["code"]).json()
    assert tokens["refresh_token_expires_in"] == 184 * DAY_S
    assert tokens["expires_in"] == 8 * 3600
    url = simulator.url_for("https://github.com/login/oauth/access_token")
    known = {name: app.known[name] for name in ("client_id", "client_secret")}
    asked = {**known, "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}

    simulator.clock(days * DAY_S)
    told = [simulator.http.post(url, data=asked, headers={"Accept": "a/json"}) for _ in range(2)]

    first, again = (answer.json() for answer in told)
    assert ("access_token" in first) is works
    assert again["error"] == "bad_refresh_token"  # each works once


def test_the_end_of_a_refresh_token_is_told_as_a_draft_names_it(simulator):
    him = Customer(simulator, "airtable")
    assert "refresh_token_timeout" not in him.connect()

    simulator.act("airtable", him.account, "tell_ends")

    told = him.connect()
    assert told["refresh_token_timeout"] == 60 * DAY_S
    assert "authorization_expires_in" not in told
