"""The simulated NetSuite behaves as its documentation says, over plain HTTP."""

import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256, Client

from tests.simulator_server import CALLBACK_BASE

ACCOUNT, OTHER = "1234567_SB1", "7654321"
REST = "https://1234567-sb1.suitetalk.api.netsuite.com"
TOKEN_URL = f"{REST}/services/rest/auth/oauth2/v1/token"
CATALOG = f"{REST}/services/rest/record/v1/metadata-catalog"
CALLBACK = f"{CALLBACK_BASE}/link/oauth2/callback/netsuite"
VERIFIER = "v" * 64
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


@pytest.fixture
def app(simulator):
    return simulator.app("netsuite", ACCOUNT)


@pytest.fixture
def authorize_url(app):
    def authorize_url(host="1234567-sb1.app.netsuite.com", **changes):
        query = {
            "response_type": "code",
            "client_id": app["client_id"],
            "redirect_uri": CALLBACK,
            "scope": "rest_webservices",
            "state": "s" * 43,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        return f"https://{host}/app/login/oauth2/authorize.nl?{urlencode(query)}"

    return authorize_url


@pytest.fixture
def ask(simulator, app):
    """A token request with Basic authentication."""

    def post(url=TOKEN_URL, **fields):
        login = (app["client_id"], app["client_secret"])
        return simulator.http.post(simulator.url_for(url), data=fields, auth=login)

    return post


@pytest.fixture
def redeem(simulator, ask, authorize_url):
    """The token response for a new code."""

    def redeem(**changes):
        back = parse_qs(urlsplit(simulator.consent(authorize_url(), account=ACCOUNT)).query)
        fields = {"code": back["code"][0], "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return ask(grant_type="authorization_code", **{**fields, **changes})

    return redeem


@pytest.fixture
def read(simulator):
    def get(token, url=CATALOG):
        headers = {"Authorization": f"Bearer {token}"}
        return simulator.http.get(simulator.url_for(url), headers=headers)

    return get


@pytest.fixture
def assertion(simulator, app):
    """A token request with a signed assertion; `changes` replace claims."""

    def post(*, alg="PS256", kid=None, **changes):
        at = int(time.time())
        claims = {
            "iss": app["client_id"],
            "scope": "rest_webservices",
            "aud": TOKEN_URL,
            "iat": at,
            "exp": at + 300,
            **changes,
        }
        headers = {"kid": kid or app["certificate_id"]}
        signed = jwt.encode(claims, app["private_key"], algorithm=alg, headers=headers)
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": signed,
        }
        return simulator.http.post(simulator.url_for(TOKEN_URL), data=form)

    return post


@pytest.fixture
def signed(simulator, app):
    """A request signed by oauthlib; `changes` make it invalid."""

    def get(url=CATALOG, *, method=SIGNATURE_HMAC_SHA256, sent_to="", **changes):
        names = ("consumer_key", "consumer_secret", "token_id", "token_secret")
        known = {**{name: app[name] for name in names}, **changes}
        signer = Client(
            known["consumer_key"],
            client_secret=known["consumer_secret"],
            resource_owner_key=known["token_id"],
            resource_owner_secret=known["token_secret"],
            signature_method=method,
            realm=known.get("realm", ACCOUNT),
            timestamp=known.get("timestamp"),
            nonce=known.get("nonce"),
        )
        _, headers, _ = signer.sign(url)
        return simulator.http.get(simulator.url_for(sent_to or url), headers=headers)

    return get


def fault_of(answer):
    header = answer.headers["WWW-Authenticate"]
    assert answer.json()["o:errorDetails"][0]["o:errorCode"] == "INVALID_LOGIN_ATTEMPT"
    return header.split('error="')[1].split('"')[0]


def test_the_callback_names_role_entity_and_company(simulator, authorize_url):
    back = parse_qs(urlsplit(simulator.consent(authorize_url(), account=ACCOUNT)).query)

    assert (back["role"], back["entity"], back["company"]) == (["3"], ["1701"], [ACCOUNT])


def test_the_common_host_finds_the_account_by_the_client(simulator, authorize_url):
    back = simulator.consent(authorize_url("system.netsuite.com"), account=ACCOUNT)

    assert parse_qs(urlsplit(back).query)["company"] == [ACCOUNT]


@pytest.mark.parametrize("changes", [{"state": "short"}, {"scope": "everything"}, {"scope": ""}])
def test_state_and_scope_have_rules(simulator, authorize_url, changes):
    answer = simulator.http.get(simulator.url_for(authorize_url(**changes)))

    assert "error=invalid_request" in answer.headers["location"]


def test_both_tokens_are_jwts_and_the_lifetime_is_a_string(redeem, read):
    answer = redeem().json()

    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert answer["expires_in"] == "3600"
    assert claims["sub"] == "3;1701"
    assert claims["aud"][0].endswith(f";{ACCOUNT}")
    assert jwt.get_unverified_header(answer["refresh_token"])
    assert read(answer["access_token"]).status_code == 200


def test_the_verifier_must_fit(redeem):
    assert redeem(code_verifier="w" * 64).json()["error"] == "invalid_grant"


def test_the_client_authenticates_with_basic_only(simulator, app):
    fields = {"grant_type": "refresh_token", "refresh_token": "x"}
    login = {"client_id": app["client_id"], "client_secret": app["client_secret"]}

    answer = simulator.http.post(simulator.url_for(TOKEN_URL), data={**fields, **login})

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_the_refresh_token_stays_and_lives_seven_days(ask, redeem, simulator):
    token = redeem().json()["refresh_token"]
    simulator.clock(6 * 86_400)
    again = ask(grant_type="refresh_token", refresh_token=token)
    simulator.clock(86_401)

    late = ask(grant_type="refresh_token", refresh_token=token)

    assert again.json()["refresh_token"] == token
    assert late.json()["error"] == "invalid_grant"


def test_revoking_ends_both_tokens(ask, redeem, read):
    answer = redeem().json()
    revoked = ask(TOKEN_URL.replace("/token", "/revoke"), token=answer["refresh_token"])

    refused = read(answer["access_token"])

    assert revoked.status_code == 200
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    assert refused.json()["o:errorDetails"][0]["o:errorCode"] == "INVALID_LOGIN"


def test_a_token_opens_no_other_account(redeem, read):
    elsewhere = CATALOG.replace("1234567-sb1", "7654321")

    assert read(redeem().json()["access_token"], elsewhere).status_code == 401


def test_a_blocked_integration_is_named(ask, simulator):
    simulator.act("netsuite", ACCOUNT, "block_integration")

    answer = ask(grant_type="refresh_token", refresh_token="x")

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.json()["error_description"] == "IntegrationBlocked"


@pytest.mark.parametrize("alg", ["PS256", "PS384", "PS512"])
def test_a_signed_assertion_gets_a_token(assertion, read, alg):
    answer = assertion(alg=alg).json()

    assert "refresh_token" not in answer
    assert read(answer["access_token"]).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"kid": "another"},
        {"aud": f"{TOKEN_URL}/"},
        {"exp": int(time.time()) - 1},
        {"exp": int(time.time()) + 7200},
        {"scope": ""},
        {"alg": "RS256"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_an_assertion_that_is_not_right_is_refused(assertion, changes):
    answer = assertion(**changes)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_an_assertion_of_somebody_else_is_refused(assertion, app, simulator):
    app["private_key"] = simulator.app("netsuite", OTHER)["private_key"]

    assert assertion().json()["error"] == "invalid_grant"


def test_an_unknown_issuer_is_refused(assertion):
    assert assertion(iss="nobody").json()["error"] == "invalid_client"


def test_a_certificate_that_is_over_gets_nothing(assertion, simulator):
    simulator.act("netsuite", ACCOUNT, "expire_certificate")

    assert assertion().json()["error"] == "invalid_grant"


def test_a_signed_request_is_let_in(signed, simulator):
    simulator.set_count("netsuite", ACCOUNT, 5)

    assert signed().status_code == 200
    assert signed(f"{REST}/services/rest/record/v1/customer?limit=2&offset=4").json()["count"] == 1


def test_a_signed_request_says_who_it_is(signed):
    restlets = REST.replace("suitetalk", "restlets")

    assert signed(f"{restlets}/rest/tokeninfo").json()["companyId"] == ACCOUNT


def test_a_query_that_was_not_signed_is_refused(signed):
    url = f"{REST}/services/rest/record/v1/customer?limit=2"

    assert fault_of(signed(url, sent_to=f"{url}0")) == "signature_invalid"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"consumer_secret": "wrong"}, "signature_invalid"),
        ({"token_secret": "wrong"}, "signature_invalid"),
        ({"consumer_key": "wrong"}, "consumer_key_unknown"),
        ({"token_id": "wrong"}, "token_rejected"),
        ({"realm": "1234567-sb1"}, "parameter_absent"),
        ({"timestamp": "1000000000"}, "timestamp_refused"),
        ({"method": SIGNATURE_HMAC_SHA1}, "signature_method_rejected"),
    ],
)
def test_a_signature_that_is_not_right_is_refused(signed, changes, fault):
    assert fault_of(signed(**changes)) == fault


def test_a_nonce_works_once(signed):
    first, second = signed(nonce="n" * 20), signed(nonce="n" * 20)

    assert first.status_code == 200
    assert fault_of(second) == "NonceUsed"


@pytest.mark.parametrize(
    ("switch", "fault"),
    [
        ("revoke_token", "token_revoked"),
        ("disable_user", "token_rejected"),
        ("block_integration", "consumer_key_refused"),
    ],
)
def test_what_the_admin_took_away_is_named(signed, simulator, switch, fault):
    simulator.act("netsuite", ACCOUNT, switch)

    assert fault_of(signed()) == fault


def test_a_lost_permission_is_403(signed, simulator):
    simulator.act("netsuite", ACCOUNT, "drop_scope")

    answer = signed()

    assert answer.status_code == 403
    assert answer.json()["o:errorDetails"][0]["o:errorCode"] == "INSUFFICIENT_PERMISSION"


def test_too_much_at_once_is_429(signed, simulator):
    simulator.act("netsuite", ACCOUNT, "throttle")

    assert signed().status_code == 429


@pytest.mark.parametrize(
    ("query", "path", "code"),
    [
        ("SELECT id FROM customer", "?limit=1001", "INVALID_PARAMETER"),
        ("SELECT id FROM customer", "?limit=10&offset=5", "INVALID_PARAMETER"),
        ("SELECT id FROM customer", "?limit=1000&offset=100000", "INVALID_PARAMETER"),
        ("SELECT id FROM cars", "", "INVALID_PARAMETER"),
        ("SELECT colour FROM customer", "", "INVALID_PARAMETER"),
        ("SELECT id FROM customer WHERE id = TO_DATE('x'", "", "INVALID_PARAMETER"),
    ],
)
def test_a_query_that_cannot_be_is_refused(redeem, simulator, query, path, code):
    headers = {"Authorization": f"Bearer {redeem().json()['access_token']}", "Prefer": "transient"}
    url = simulator.url_for(f"{REST}/services/rest/query/v1/suiteql{path}")

    answer = simulator.http.post(url, json={"q": query}, headers=headers)

    assert (answer.status_code, answer.json()["o:errorDetails"][0]["o:errorCode"]) == (400, code)
