"""Every row of the providers' error tables: who must act."""

import json
from typing import Any

import pytest

from sequin_admin.core.http import Response
from sequin_admin.credentials import kinds, outcomes
from sequin_admin.credentials.outcomes import Outcome, Verdict

OK, CUSTOMER, OPERATOR = Verdict.OK, Verdict.CUSTOMER, Verdict.OPERATOR
TRANSIENT, REFRESH = Verdict.TRANSIENT, Verdict.REFRESH


def answer(status: int, body: Any = None, **headers: str) -> Response:
    text = body if isinstance(body, str) else json.dumps(body if body is not None else {})
    lowered = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, lowered, text.encode())


def airtable(type_: str) -> dict[str, Any]:
    return {"error": {"type": type_, "message": "..."}}


def hubspot(category: str) -> dict[str, Any]:
    return {"status": "error", "category": category, "message": "..."}


def stripe(code: str = "", message: str = "...") -> dict[str, Any]:
    return {"error": {"type": "invalid_request_error", "code": code, "message": message}}


def graphql(**extensions: str) -> dict[str, Any]:
    return {"errors": [{"message": "...", "extensions": extensions}]}


def salesforce(code: str) -> list[dict[str, str]]:
    return [{"errorCode": code, "message": "..."}]


API_ROWS = [
    ("airtable_oauth2", answer(200, {"id": "usr1"}), OK),
    ("airtable_oauth2", answer(401, airtable("AUTHENTICATION_REQUIRED")), REFRESH),
    ("airtable_oauth2", answer(401, airtable("UNAUTHORIZED")), REFRESH),
    ("airtable_oauth2", answer(403, airtable("INVALID_PERMISSIONS")), CUSTOMER),
    ("airtable_oauth2", answer(403, airtable("INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND")), CUSTOMER),
    ("airtable_oauth2", answer(404, {"error": "NOT_FOUND"}), TRANSIENT),
    ("airtable_oauth2", answer(429), TRANSIENT),
    ("airtable_oauth2", answer(429, airtable("BILLING_LIMIT_EXCEEDED")), CUSTOMER),
    ("airtable_oauth2", answer(503), TRANSIENT),
    ("checkout_champ_password", answer(200, {"result": "SUCCESS", "message": {}}), OK),
    (
        "checkout_champ_password",
        answer(200, {"result": "ERROR", "message": "Invalid login"}),
        CUSTOMER,
    ),
    (
        "checkout_champ_password",
        answer(200, {"result": "ERROR", "message": "No login matching that password found"}),
        CUSTOMER,
    ),
    (
        "checkout_champ_password",
        answer(200, {"result": "ERROR", "message": "Your IP address is not on the whitelist"}),
        CUSTOMER,
    ),
    (
        "checkout_champ_password",
        answer(200, {"result": "ERROR", "message": "No campaigns matching those parameters found"}),
        OK,
    ),
    ("checkout_champ_password", answer(200, {"result": "ERROR", "message": "ERROR"}), TRANSIENT),
    ("checkout_champ_password", answer(401), CUSTOMER),
    ("checkout_champ_password", answer(403), CUSTOMER),
    ("checkout_champ_password", answer(429, retry_after="30"), TRANSIENT),
    ("checkout_champ_password", answer(500), TRANSIENT),
    ("github_app", answer(200, {"id": 1}), OK),
    ("github_app", answer(401, {"message": "Bad credentials"}), REFRESH),
    ("github_app", answer(403, {"message": "This installation has been suspended"}), CUSTOMER),
    ("github_app", answer(403, {"message": "Resource not accessible by integration"}), CUSTOMER),
    ("github_app", answer(403, {"message": "limit"}, x_ratelimit_remaining="0"), TRANSIENT),
    ("github_app", answer(429, {"message": "limit"}, retry_after="60"), TRANSIENT),
    ("github_app", answer(403, {"message": "You exceeded a secondary rate limit"}), TRANSIENT),
    ("hubspot_oauth2", answer(200, {"portalId": 1}), OK),
    ("hubspot_oauth2", answer(401, hubspot("EXPIRED_AUTHENTICATION")), REFRESH),
    ("hubspot_oauth2", answer(401, hubspot("INVALID_AUTHENTICATION")), REFRESH),
    ("hubspot_oauth2", answer(403, hubspot("MISSING_SCOPES")), CUSTOMER),
    *[("hubspot_oauth2", answer(s), TRANSIENT) for s in (423, 429, 477, 500, 521, 522, 523, 524)],
    ("hubspot_oauth2", answer(200, "<h1>Maintenance</h1>"), TRANSIENT),
    ("linear_oauth2", answer(200, {"data": {}}), OK),
    ("linear_oauth2", answer(401), REFRESH),
    ("linear_oauth2", answer(200, graphql(type="authentication error")), REFRESH),
    ("linear_oauth2", answer(400, graphql(code="AUTHENTICATION_ERROR")), REFRESH),
    ("linear_oauth2", answer(200, graphql(type="forbidden")), CUSTOMER),
    ("linear_oauth2", answer(200, graphql(type="feature not accessible")), CUSTOMER),
    ("linear_oauth2", answer(400, graphql(code="RATELIMITED", type="ratelimited")), TRANSIENT),
    *[
        ("linear_oauth2", answer(200, graphql(type=t)), TRANSIENT)
        for t in ("internal error", "lock timeout", "network error")
    ],
    ("salesforce_oauth2", answer(200, {}), OK),
    ("salesforce_oauth2", answer(401, salesforce("INVALID_SESSION_ID")), REFRESH),
    ("salesforce_oauth2", answer(403, salesforce("API_DISABLED_FOR_ORG")), CUSTOMER),
    ("salesforce_oauth2", answer(403, salesforce("API_CURRENTLY_DISABLED")), CUSTOMER),
    ("salesforce_oauth2", answer(403, salesforce("INSUFFICIENT_ACCESS")), CUSTOMER),
    ("salesforce_oauth2", answer(403, salesforce("REQUEST_LIMIT_EXCEEDED")), TRANSIENT),
    ("salesforce_oauth2", answer(503, salesforce("SERVER_UNAVAILABLE")), TRANSIENT),
    ("shopify_oauth2", answer(200, {"data": {}}), OK),
    ("shopify_oauth2", answer(401, {"errors": "Invalid API key or access token"}), REFRESH),
    ("shopify_oauth2", answer(402), CUSTOMER),
    ("shopify_oauth2", answer(423), CUSTOMER),
    ("shopify_oauth2", answer(403), CUSTOMER),
    ("shopify_oauth2", answer(200, graphql(code="ACCESS_DENIED")), CUSTOMER),
    ("shopify_oauth2", answer(404), CUSTOMER),
    ("shopify_oauth2", answer(200, graphql(code="SHOP_INACTIVE")), CUSTOMER),
    ("shopify_oauth2", answer(429), TRANSIENT),
    ("shopify_oauth2", answer(200, graphql(code="THROTTLED")), TRANSIENT),
    ("shopify_oauth2", answer(430), TRANSIENT),
    ("shopify_oauth2", answer(503), TRANSIENT),
    ("stripe_key", answer(200, {"id": "acct_1"}), OK),
    ("stripe_key", answer(401, stripe(message="Invalid API Key provided")), CUSTOMER),
    ("stripe_key", answer(401, stripe("api_key_expired")), CUSTOMER),
    (
        "stripe_key",
        answer(403, stripe(message="The key does not have the required permissions")),
        OK,
    ),
    ("stripe_oauth2", answer(401, stripe(message="Invalid API Key provided")), REFRESH),
    ("stripe_oauth2", answer(401, stripe("api_key_expired")), REFRESH),
    ("stripe_oauth2", answer(403, stripe("account_invalid")), CUSTOMER),
    ("stripe_key", answer(403, stripe(message="A live key was used in test mode")), CUSTOMER),
    ("stripe_oauth2", answer(403, stripe()), CUSTOMER),
    ("stripe_oauth2", answer(401, stripe("platform_api_key_expired")), OPERATOR),
    ("stripe_oauth2", answer(429, stripe("rate_limit")), TRANSIENT),
    ("stripe_oauth2", answer(429, stripe("lock_timeout")), TRANSIENT),
    ("stripe_oauth2", answer(409, stripe()), TRANSIENT),
    ("stripe_oauth2", answer(500), TRANSIENT),
]

OURS = ["airtable_oauth2", "hubspot_oauth2", "linear_oauth2", "salesforce_oauth2", "stripe_oauth2"]
TOKEN_ROWS = [
    *[(slug, answer(400, {"error": "invalid_grant"}), CUSTOMER) for slug in OURS],
    *[(slug, answer(401, {"error": "invalid_client"}), OPERATOR) for slug in OURS],
    *[(slug, answer(400, {"error": "invalid_client"}), OPERATOR) for slug in OURS],
    *[(slug, answer(400, {"error": "redirect_uri_mismatch"}), OPERATOR) for slug in OURS],
    *[(slug, answer(429), TRANSIENT) for slug in OURS],
    *[(slug, answer(503, "<html>"), TRANSIENT) for slug in OURS],
    *[(slug, answer(200, "<html>"), TRANSIENT) for slug in OURS],
    *[
        ("airtable_oauth2", answer(400, {"error": error}), OPERATOR)
        for error in ("invalid_request", "unsupported_grant_type", "unauthorized_client")
    ],
    (
        "hubspot_oauth2",
        answer(400, {"error": "invalid_grant", "status": "BAD_REFRESH_TOKEN"}),
        CUSTOMER,
    ),
    *[
        ("hubspot_oauth2", answer(400, {"status": code}), OPERATOR)
        for code in (
            *("BAD_CLIENT_ID", "BAD_CLIENT_SECRET", "BAD_REDIRECT_URI", "MISMATCH_REDIRECT_URI"),
        )
    ],
    *[
        ("salesforce_oauth2", answer(400, {"error": error}), CUSTOMER)
        for error in ("inactive_user", "inactive_org", "invalid_app_access")
    ],
    ("salesforce_oauth2", answer(400, {"error": "invalid_client_id"}), OPERATOR),
    *[
        ("salesforce_oauth2", answer(400, {"error": error}), TRANSIENT)
        for error in ("unknown_error", "rate_limit_exceeded")
    ],
    ("shopify_oauth2", answer(400, {"error": "invalid_grant"}), CUSTOMER),
    ("shopify_oauth2", answer(401), CUSTOMER),
    ("shopify_oauth2", answer(400, {"error": "invalid_client"}), OPERATOR),
    ("shopify_oauth2", answer(400, {"error": "invalid_request"}), CUSTOMER),
    ("shopify_oauth2", answer(400, {"error": "invalid_subject_token"}), CUSTOMER),
    ("shopify_oauth2", answer(400, {"error": "application_cannot_be_found"}), OPERATOR),
    ("shopify_oauth2", answer(503, "<html>"), TRANSIENT),
    *[
        ("stripe_oauth2", answer(400, {"error": error}), OPERATOR)
        for error in ("invalid_scope", "invalid_request", "unsupported_grant_type")
    ],
    ("github_app", answer(200, {"error": "bad_verification_code"}), CUSTOMER),
    ("github_app", answer(200, {"error": "incorrect_client_credentials"}), OPERATOR),
]


def check(outcome: Outcome, verdict: Verdict) -> None:
    assert outcome.verdict is verdict
    if verdict is not OK:
        assert outcome.message.endswith(".")
        assert outcome.remedy.endswith(".")
        assert len(outcome.message.split()) > 2  # a sentence, not only a code


@pytest.mark.parametrize(("slug", "response", "verdict"), API_ROWS)
def test_an_api_answer(slug, response, verdict):
    check(kinds.get(slug).classify(response), verdict)


@pytest.mark.parametrize(("slug", "response", "verdict"), TOKEN_ROWS)
def test_a_token_endpoints_answer(slug, response, verdict):
    check(kinds.get(slug).classify_token_error(response), verdict)


@pytest.mark.parametrize(
    "error", ["OAUTH_APP_BLOCKED", "OAUTH_APP_ACCESS_DENIED", "OAUTH_EC_APP_NOT_FOUND"]
)
def test_salesforce_callbacks_ask_for_the_admin(error):
    outcome = kinds.get("salesforce_oauth2").classify_callback_error({"error": error})

    assert outcome.verdict is CUSTOMER
    assert "admin" in outcome.remedy


def test_a_broken_app_is_told_apart_from_a_broken_grant():
    broken = kinds.get("hubspot_oauth2").classify_token_error(
        answer(401, {"error": "invalid_client"})
    )

    assert broken.of_app


def test_evidence_holds_no_secret():
    body = {
        "error": "invalid_grant",
        "refresh_token": "very-secret-value",
        "hint": "sk_live_abc123",
    }

    outcome = kinds.get("hubspot_oauth2").classify_token_error(answer(400, body))

    assert "very-secret-value" not in str(outcome.evidence)
    assert "sk_live_abc123" not in str(outcome.evidence)
    assert outcome.evidence["status"] == 400


def test_airtables_penalty_is_respected():
    assert kinds.get("airtable_oauth2").classify(answer(429)).retry_after_s == 30


@pytest.mark.parametrize("odd", ["²", "٣", "-1", "1e9", "soon", "", "9" * 400, "NaN"])
def test_a_wait_that_is_no_plain_number_is_none(odd):
    response = Response(429, {"retry-after": odd, "x-ratelimit-reset": odd}, b"")

    assert outcomes.retry_after(response) is None
    assert outcomes.until_reset(response) is None


def test_nobody_makes_us_wait_longer_than_a_day():
    response = Response(429, {"retry-after": "999999999999", "x-ratelimit-reset": "99999999999"})
    down = Response(503, {"retry-after": "999999999999"})

    assert outcomes.retry_after(response) == outcomes.until_reset(response) == 86_400
    assert outcomes.outage(down, "Arrakis").retry_after_s == 3600


@pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)
def test_a_provider_that_is_down_says_when_to_come_back(kind):
    """RFC 9110 section 10.2.3 names Retry-After for 503 first; a date is as good."""
    dated = {
        "retry_after": "Sun, 06 Nov 1994 08:51:37 GMT",
        "date": "Sun, 06 Nov 1994 08:49:37 GMT",
    }
    for response in (answer(503, retry_after="120"), answer(502, "<html>", **dated)):
        assert kind.classify(response).retry_after_s == 120
        assert kind.classify_token_error(response).retry_after_s == 120
