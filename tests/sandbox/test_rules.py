"""What the simulator enforces, asked over plain HTTP as a client nobody here wrote would."""

import base64
import hashlib
import time
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pytest

from tests.factories import PEM

VERIFIER = "v" * 50
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}

# Authorize address, token address, how the client signs in, account, extra authorize parameters.
SERVERS = {
    "hubspot": (
        "https://app.hubspot.com/oauth/authorize",
        "https://api.hubapi.com/oauth/2026-03/token",
        "body",
        "21902692",
        {"scope": "oauth crm.objects.contacts.read"},
    ),
    "airtable": (
        "https://airtable.com/oauth2/v1/authorize",
        "https://airtable.com/oauth2/v1/token",
        "basic",
        "usrziLeD23j9AJ1",
        {"scope": "data.records:read", **PKCE},
    ),
    "linear": (
        "https://linear.app/oauth/authorize",
        "https://api.linear.app/oauth/token",
        "body",
        "abc123",
        {"scope": "read,write", "response_type": "code"},
    ),
    "salesforce": (
        "https://login.salesforce.com/services/oauth2/authorize",
        "https://login.salesforce.com/services/oauth2/token",
        "body",
        "00D5g000004ArrakEA",
        {"scope": "api refresh_token", **PKCE},
    ),
}
ALL = pytest.mark.parametrize("provider", SERVERS)


class Customer:
    """A client of one simulated authorization server."""

    def __init__(self, simulator, provider):
        self.simulator, self.provider = simulator, provider
        self.authorize_url, self.token_url, self.auth, self.account, self.extra = SERVERS[provider]
        self.app = simulator.app(provider)
        self.redirect_uri = self.app["redirect_uris"][0]

    def address(self, **changes):
        query = {
            "client_id": self.app["client_id"],
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "state": "s1",
            **self.extra,
            **changes,
        }
        return f"{self.authorize_url}?{urlencode(query)}"

    def code(self):
        back = self.simulator.consent(self.address(), account=self.account)
        return dict(parse_qsl(urlsplit(back).query))["code"]

    def post(self, fields, *, auth=None, secret=None, json=False):
        secret = secret or self.app["client_secret"]
        pair = (self.app["client_id"], secret)
        basic = pair if (auth or self.auth) == "basic" else None
        if not basic:
            fields = {**fields, "client_id": pair[0], "client_secret": secret}
        body = {"json" if json else "data": fields}
        return self.simulator.http.post(self.simulator.url_for(self.token_url), auth=basic, **body)

    def redeem(self, code, **changes):
        fields = {"redirect_uri": self.redirect_uri, "code_verifier": VERIFIER, **changes}
        return self.post({"grant_type": "authorization_code", "code": code, **fields})

    def refresh(self, token):
        return self.post({"grant_type": "refresh_token", "refresh_token": token})


@pytest.fixture
def customer(simulator):
    return lambda provider: Customer(simulator, provider)


@ALL
def test_a_code_buys_tokens_once(customer, provider):
    him = customer(provider)
    code = him.code()

    assert him.redeem(code).json()["access_token"]
    again = him.redeem(code)

    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@ALL
def test_a_code_is_over_after_five_minutes(customer, simulator, provider):
    him = customer(provider)
    code = him.code()

    simulator.clock(301)

    assert him.redeem(code).json()["error"] == "invalid_grant"


@ALL
def test_the_redirect_uri_must_be_the_same_to_the_letter(customer, simulator, provider):
    him = customer(provider)

    page = simulator.http.get(simulator.url_for(him.address(redirect_uri=f"{him.redirect_uri}/")))

    assert page.status_code == 400
    assert "location" not in page.headers
    other = him.redeem(him.code(), redirect_uri="https://elsewhere.example/cb")
    assert other.json()["error"] == "invalid_grant"


@ALL
def test_an_unknown_client_is_never_sent_back(customer, simulator, provider):
    page = simulator.http.get(simulator.url_for(customer(provider).address(client_id="nobody")))

    assert page.status_code == 400
    assert "No app has this client id" in page.text


@ALL
def test_a_wrong_secret_is_refused(customer, provider):
    him = customer(provider)

    answer = him.post({"grant_type": "refresh_token", "refresh_token": "x"}, secret="wrong")

    assert answer.status_code in (400, 401)
    assert answer.json()["error"] == "invalid_client"


@ALL
def test_the_other_way_to_sign_in_is_refused(customer, provider):
    him = customer(provider)
    other = "body" if him.auth == "basic" else "basic"

    answer = him.post({"grant_type": "refresh_token", "refresh_token": "x"}, auth=other)

    assert answer.json()["error"] == "invalid_client"


@ALL
def test_state_comes_back_as_it_went(customer, simulator, provider):
    him = customer(provider)

    back = simulator.consent(him.address(state="a b&c=d"), account=him.account, allow=False)

    query = dict(parse_qsl(urlsplit(back).query))
    assert (query["state"], query["error"]) == ("a b&c=d", "access_denied")


@pytest.mark.parametrize("provider", ["airtable", "salesforce"])
def test_pkce_is_demanded_and_checked(customer, simulator, provider):
    him = customer(provider)
    without = simulator.http.get(simulator.url_for(him.address(code_challenge_method="plain")))

    assert "error=invalid_request" in without.headers["location"]
    assert him.redeem(him.code(), code_verifier="x" * 50).json()["error"] == "invalid_grant"


def test_hubspots_refresh_token_stays(customer):
    him = customer("hubspot")
    first = him.redeem(him.code()).json()

    again = him.refresh(first["refresh_token"]).json()

    assert again["refresh_token"] == first["refresh_token"]
    assert again["access_token"] != first["access_token"]


def test_airtables_refresh_token_works_once_and_a_reuse_kills_the_grant(customer):
    him = customer("airtable")
    first = him.redeem(him.code()).json()["refresh_token"]
    second = him.refresh(first).json()["refresh_token"]

    assert him.refresh(first).json()["error"] == "invalid_grant"
    assert him.refresh(second).json()["error"] == "invalid_grant"


def test_linears_refresh_token_may_be_repeated_for_half_an_hour(customer, simulator):
    him = customer("linear")
    first = him.redeem(him.code()).json()["refresh_token"]
    answer = him.refresh(first).json()

    assert him.refresh(first).json() == answer
    simulator.clock(1801)
    assert him.refresh(first).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(("provider", "life"), [("hubspot", 1800), ("airtable", 3600)])
def test_access_tokens_end_by_the_simulated_clock(customer, simulator, provider, life):
    him = customer(provider)
    token = him.redeem(him.code()).json()["access_token"]
    address = {
        "hubspot": "https://api.hubapi.com/account-info/2026-03/details",
        "airtable": "https://api.airtable.com/v0/meta/whoami",
    }[provider]

    def call():
        url = simulator.url_for(address)
        return simulator.http.get(url, headers={"Authorization": f"Bearer {token}"}).status_code

    simulator.clock(life - 60)
    assert call() == 200
    simulator.clock(120)
    assert call() == 401


def test_hubspot_answers_dated_and_old_paths(customer, simulator):
    him = customer("hubspot")
    token = him.redeem(him.code()).json()["access_token"]

    old = simulator.http.get(
        simulator.url_for(f"https://api.hubapi.com/oauth/v1/access-tokens/{token}")
    )
    fields = {"client_id": him.app["client_id"], "client_secret": him.app["client_secret"]}
    new = simulator.http.post(
        simulator.url_for("https://api.hubapi.com/oauth/2026-03/token/introspect"),
        data={**fields, "token": token},
    )

    assert old.json()["hub_domain"] == new.json()["hub_domain"] == "arrakis.io"


def test_hubspots_limit_is_counted(customer, simulator):
    him = customer("hubspot")
    bearer = {"Authorization": f"Bearer {him.redeem(him.code()).json()['access_token']}"}
    url = simulator.url_for("https://api.hubapi.com/crm/v3/objects/contacts")

    answers = [simulator.http.get(url, headers=bearer) for _ in range(111)]

    assert [a.status_code for a in answers].count(200) == 110
    assert answers[-1].json()["policyName"] == "TEN_SECONDLY_ROLLING"


class TestGitHub:
    @pytest.fixture
    def app(self, simulator):
        return simulator.app("github")

    @pytest.fixture
    def installed(self, simulator, app):
        url = f"https://github.com/apps/{app['slug']}/installations/new?state=s1"
        back = simulator.consent(url, account="paul-atreides")
        return dict(parse_qsl(urlsplit(back).query))

    def as_app(self, simulator, app, path, *, life=540, key=None, issuer=None, method="GET"):
        now = int(time.time())
        claims = {"iat": now - 60, "exp": now + life, "iss": issuer or app["client_id"]}
        token = jwt.encode(claims, key or app["private_key"], algorithm="RS256")
        return simulator.http.request(
            method,
            simulator.url_for(f"https://api.github.com{path}"),
            headers={"Authorization": f"Bearer {token}"},
        )

    def test_a_token_is_minted_for_an_installation(self, simulator, app, installed):
        path = f"/app/installations/{installed['installation_id']}/access_tokens"

        answer = self.as_app(simulator, app, path, method="POST")

        assert answer.status_code == 201
        assert answer.json()["token"].startswith("ghs_")

    def test_the_id_of_the_app_is_taken_as_issuer_too(self, simulator, app, installed):
        assert self.as_app(simulator, app, "/app", issuer=app["app_id"]).status_code == 200

    @pytest.mark.parametrize(
        "wrong", [{"life": 700}, {"life": -10}, {"issuer": "1"}], ids=["long", "over", "issuer"]
    )
    def test_a_wrong_jwt_is_401(self, simulator, app, wrong):
        assert self.as_app(simulator, app, "/app", **wrong).status_code == 401

    def test_another_key_is_401(self, simulator, app):
        answer = self.as_app(simulator, app, "/app", key=PEM)

        assert answer.json()["message"] == "A JSON web token could not be decoded"

    def test_what_is_not_installed_is_404(self, simulator, app):
        assert self.as_app(simulator, app, "/app/installations/47232441").status_code == 404

    def test_a_wrong_code_is_an_error_inside_200(self, simulator, app):
        answer = simulator.http.post(
            simulator.url_for("https://github.com/login/oauth/access_token"),
            data={**{n: app[n] for n in ("client_id", "client_secret")}, "code": "wrong"},
        )

        assert (answer.status_code, answer.json()["error"]) == (200, "bad_verification_code")

    def test_who_does_not_say_who_it_is_stays_out(self, simulator, app, installed):
        url = simulator.url_for("https://api.github.com/app")

        assert simulator.http.get(url, headers={"User-Agent": ""}).status_code == 403


class TestStripe:
    def get(self, simulator, key, path="/v1/account"):
        url = simulator.url_for(f"https://api.stripe.com{path}")
        return simulator.http.get(url, headers={"Authorization": f"Bearer {key}"})

    def test_a_key_opens_its_own_account(self, simulator):
        answer = self.get(simulator, "sk_test_arrakis0000000000000001")

        assert answer.json()["id"] == "acct_1Arrakis0000001"

    def test_a_restricted_key_may_not_read_it_but_reads_customers(self, simulator):
        key = "rk_test_arrakis0000000000000001"

        assert self.get(simulator, key).status_code == 403
        assert self.get(simulator, key, "/v1/customers").status_code == 200

    def test_a_wrong_key_is_shown_masked(self, simulator):
        message = self.get(simulator, "sk_test_nobodys000000000").json()["error"]["message"]

        assert "nobodys" not in message

    def test_an_expired_key_says_so(self, simulator):
        simulator.act("stripe", "acct_1Arrakis0000001", "expire_key")

        error = self.get(simulator, "sk_test_arrakis0000000000000001").json()["error"]

        assert error["code"] == "api_key_expired"


class TestCheckoutChamp:
    def post(self, simulator, password="password123", path="/campaign/query/"):
        url = simulator.url_for(f"https://api.checkoutchamp.com{path}")
        answer = simulator.http.post(url, data={"loginId": "user123", "password": password})
        assert answer.status_code == 200
        return answer.json()

    def test_a_good_login_gets_a_page(self, simulator):
        assert self.post(simulator)["message"]["totalResults"] == 3

    def test_a_bad_login_is_an_error_inside_200(self, simulator):
        assert self.post(simulator, "wrong")["result"] == "ERROR"

    def test_bad_logins_lock_the_user(self, simulator):
        for _ in range(10):
            self.post(simulator, "wrong")

        assert "locked" in self.post(simulator)["message"]


@pytest.mark.parametrize(("fault", "status"), [("outage", 503), ("html", 200), ("throttle", 429)])
def test_faults_come_when_asked_for_and_go_when_cleared(simulator, fault, status):
    url = simulator.url_for("https://api.stripe.com/v1/account")
    bearer = {"Authorization": "Bearer sk_test_arrakis0000000000000001"}
    simulator.act("stripe", "acct_1Arrakis0000001", fault)

    broken = simulator.http.get(url, headers=bearer)
    simulator.act("stripe", "acct_1Arrakis0000001", "clear")

    assert broken.status_code == status
    assert simulator.http.get(url, headers=bearer).json()["id"] == "acct_1Arrakis0000001"


def test_what_is_not_simulated_is_said(simulator):
    answer = simulator.http.get(f"{simulator.url}/api.stripe.com/v1/nothing")

    assert answer.status_code == 404
    assert "Not simulated" in answer.json()["message"]
