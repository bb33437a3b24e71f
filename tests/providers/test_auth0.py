"""Auth0: every row of its error table, and the real calls at the simulator."""

import pytest

from sequin_admin.core import http
from sequin_admin.credentials import kinds
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.health import probes
from sequin_admin.tokens import renewal
from tests.providers.answers import answer

DOMAIN = "arrakis.us.auth0.com"
Auth0 = kinds.get("auth0_client_credentials")


@pytest.fixture
def credential(simulated, save):
    app = simulated.app("auth0", DOMAIN)
    secret = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    return save("auth0_client_credentials", domain=DOMAIN, **secret)


TOKEN_ERRORS = [
    (
        answer(401, {"error": "access_denied", "error_description": "Unauthorized"}),
        Verdict.CUSTOMER,
        "access_denied",
    ),
    (
        answer(403, {"error": "access_denied", "error_description": "Client is not ..."}),
        Verdict.CUSTOMER,
        "access_denied",
    ),
    (answer(403, {"error": "unauthorized_client"}), Verdict.CUSTOMER, "unauthorized_client"),
    (answer(429, {"error": "too_many_requests"}), Verdict.TRANSIENT, "throttled"),
    (answer(503, "<h1>Sorry</h1>"), Verdict.TRANSIENT, "unavailable"),
    (answer(200, "<h1>Sorry</h1>"), Verdict.TRANSIENT, "not_json"),
]


@pytest.mark.parametrize(
    ("response", "verdict", "code"),
    TOKEN_ERRORS,
)
def test_token_errors(response, verdict, code):
    outcome = Auth0.classify_token_error(response)

    assert (outcome.verdict, outcome.code) == (verdict, code)


API_ERRORS = [
    (
        answer(401, {"statusCode": 401, "error": "Unauthorized", "message": "Invalid token"}),
        Verdict.REFRESH,
        "unauthorized",
    ),
    (
        answer(403, {"statusCode": 403, "errorCode": "insufficient_scope"}),
        Verdict.CUSTOMER,
        "insufficient_scope",
    ),
    (answer(403, {"statusCode": 403}), Verdict.CUSTOMER, "forbidden"),
    (answer(429, {"errorCode": "too_many_requests"}), Verdict.TRANSIENT, "throttled"),
    (answer(500), Verdict.TRANSIENT, "unavailable"),
    (answer(200, {"friendly_name": "Arrakis"}), Verdict.OK, "ok"),
]


@pytest.mark.parametrize(
    ("response", "verdict", "code"),
    API_ERRORS,
)
def test_api_errors(response, verdict, code):
    outcome = Auth0.classify(response)

    assert (outcome.verdict, outcome.code) == (verdict, code)


@pytest.mark.parametrize("error", ["access_denied", "unauthorized_client", "invalid_client"])
def test_the_client_is_the_customers_to_mend(error):
    outcome = Auth0.classify_token_error(answer(401, {"error": error}))

    assert not outcome.of_app
    assert "customer" in outcome.remedy.lower()


def test_a_throttled_answer_says_when_to_come_back(monkeypatch):
    response = answer(429, {}, x_ratelimit_reset="99999999999")

    assert Auth0.classify(response).retry_after_s > 0


def test_an_unknown_tenant_is_the_customers_to_correct():
    outcome = Auth0.classify_unreachable(http.UnknownHost("There is no host named x.auth0.com."))

    assert (outcome.verdict, outcome.code) == (Verdict.CUSTOMER, "unknown_host")


def test_an_unreachable_tenant_is_nobodys_fault():
    outcome = Auth0.classify_unreachable(http.Unreachable("x.auth0.com did not answer."))

    assert outcome.verdict is Verdict.TRANSIENT


@pytest.mark.parametrize(
    "domain",
    ["login.acme.com", "acme.auth0.com.evil.test", "a/b.auth0.com", "127.0.0.1", "auth0.com"],
)
def test_only_auth0s_own_hosts_are_called(save, domain):
    with pytest.raises(ValueError, match="domain"):
        save("auth0_client_credentials", domain=domain, client_id="a", client_secret="b")


def test_a_saved_credential_works_and_learns_its_scope(credential):
    outcome = probes.verify(credential)

    credential.refresh_from_db()
    assert outcome.ok
    assert credential.health_status == "healthy"
    assert credential.properties["audience"] == f"https://{DOMAIN}/api/v2/"
    assert "read:tenant_settings" in credential.properties["scope"]


def test_a_client_without_the_settings_scope_works_too(credential, simulated):
    simulated.act("auth0", DOMAIN, "drop_scope")

    assert probes.verify(credential).ok


def test_a_rotated_secret_is_the_customers_to_enter(credential, simulated):
    simulated.act("auth0", DOMAIN, "rotate_secret")

    outcome = probes.verify(credential)

    assert (outcome.verdict, outcome.code) == (Verdict.CUSTOMER, "access_denied")


def test_an_unauthorized_client_is_the_customers_to_authorize(credential, simulated):
    simulated.act("auth0", DOMAIN, "unauthorize")

    with pytest.raises(Refused, match="does not let this application"):
        renewal.get_access_token(credential)


def test_a_token_that_ended_early_is_minted_again(credential, simulated):
    renewal.get_access_token(credential)
    simulated.act("auth0", DOMAIN, "expire")

    assert probes.verify(credential).ok


def test_an_outage_blames_nobody(credential, simulated):
    simulated.act("auth0", DOMAIN, "outage")

    outcome = probes.verify(credential)

    assert outcome.verdict is Verdict.TRANSIENT
    assert credential.health_status == ""
