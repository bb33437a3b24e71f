"""For any response of a provider the message says what happened, who must act and how."""

import itertools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequin_admin.core.http import Response
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.outcomes import Outcome, Refused, Verdict
from sequin_admin.tokens import protocol
from tests.providers import (
    test_auth0,
    test_marketo,
    test_netsuite,
    test_outcomes,
    test_quickbooks,
    test_sendgrid,
    test_servicenow,
    test_workday,
)
from tests.providers.answers import answer

# Every row of the error tables: the kind, which of its two classifiers, and the response.
TABLES = {
    "auth0_client_credentials": (test_auth0.API_ERRORS, test_auth0.TOKEN_ERRORS),
    "marketo_client_credentials": (test_marketo.API_ERRORS, test_marketo.TOKEN_ERRORS),
    "netsuite_oauth2": (test_netsuite.API_ERRORS, test_netsuite.TOKEN_ERRORS),
    "netsuite_client_credentials": (test_netsuite.API_ERRORS, test_netsuite.TOKEN_ERRORS),
    "netsuite_tba": (test_netsuite.API_ERRORS, []),
    "quickbooks_oauth2": (test_quickbooks.API_ERRORS, test_quickbooks.TOKEN_ERRORS),
    "sendgrid_key": (test_sendgrid.API_ERRORS, []),
    "servicenow_oauth2": (test_servicenow.API_ERRORS, test_servicenow.TOKEN_ERRORS),
    "servicenow_client_credentials": (test_servicenow.API_ERRORS, test_servicenow.TOKEN_ERRORS),
    "workday_oauth2": (test_workday.REST_ERRORS, test_workday.TOKEN_ERRORS),
    "workday_password": (test_workday.SOAP_ERRORS, []),
}
ROWS = [
    *[(slug, "classify", row[0]) for slug, (api, _) in TABLES.items() for row in api],
    *[
        (slug, "classify_token_error", row[0])
        for slug, (_, token) in TABLES.items()
        for row in token
    ],
    *[(slug, "classify", response) for slug, response, _ in test_outcomes.API_ROWS],
    *[(slug, "classify_token_error", response) for slug, response, _ in test_outcomes.TOKEN_ROWS],
]
CALLBACKS = [
    *[
        "access_denied",
        "server_error",
        "temporarily_unavailable",
        "invalid_scope",
        "invalid_request",
    ],
    *["unauthorized_client", "unsupported_response_type", "OAUTH_APP_BLOCKED", "", "something_new"],
]
# Words of the providers' errors, for generated responses.
WORDS = [
    *["error", "errors", "message", "code", "type", "status", "category", "context", "extensions"],
    *["Fault", "fault", "Error", "errorCode", "error_description", "success", "result", "data"],
    *["requiredGranularScopes", "organization", "access_token", "expires_in", "scope", "id"],
    *["invalid_grant", "invalid_client", "THROTTLED", "3100", "601", "MISSING_SCOPES", "ERROR"],
]
KINDS = pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)
WITH_LOGIN = pytest.mark.parametrize(
    "kind", [kind for kind in kinds.all() if kind.oauth], ids=lambda kind: kind.slug
)

leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(WORDS)
bodies = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
    ),
    max_leaves=8,
)
statuses = st.sampled_from([200, 201, 302, 400, 401, 402, 403, 404, 408, 409, 423, 429, 430, 500])
answers = st.builds(
    lambda status, body, headers: Response(status, headers, body),
    statuses,
    bodies.map(lambda body: json.dumps(body).encode()) | st.binary(max_size=40),
    st.dictionaries(
        st.sampled_from(["retry-after", "x-ratelimit-reset", "www-authenticate"]),
        st.text(max_size=8),
    ),
)


def check(outcome: Outcome) -> None:
    """Check for two sentences without a bare code: what happened, and who must act."""
    if outcome.ok:
        return
    for sentence in (outcome.message, outcome.remedy):
        assert re.match(r"[A-Z]", sentence), sentence
        assert sentence.endswith("."), sentence
        assert len(sentence.split()) >= 4, sentence
        assert not re.search(r"[{}<\[\]]|[A-Za-z]+_[A-Za-z_]+", sentence), sentence
    assert f" {outcome.code}" not in outcome.message or not re.search(r"[_A-Z0-9]", outcome.code)
    assert re.search(MOVES[outcome.verdict], outcome.remedy), outcome.remedy
    if outcome.verdict is Verdict.CUSTOMER:
        told = outcome.customer_sentence
        assert not re.search("customer|merchant|OAuth app", told), told
        assert re.search(r"\b[Yy]our?\b|[Ss]tart again", told), told


def grant_or_refusal(kind, response: Response) -> TokenGrant | Outcome:
    try:
        return protocol.parse_grant(kind, response)
    except Refused as refusal:
        return refusal.outcome


MOVES = {
    Verdict.CUSTOMER: r"customer|merchant|[Aa]dmin|^Start again|start again|^Ask ",
    Verdict.OPERATOR: r"^(Compare|Use|Check|Generate|Add|Put|Open) ",
    Verdict.TRANSIENT: r"^Nothing to do",
    Verdict.REFRESH: r"^Nothing to do",
}


@pytest.mark.parametrize(("slug", "classifier", "response"), ROWS)
def test_every_row_reads_as_advice(slug, classifier, response):
    check(getattr(kinds.get(slug), classifier)(response))


def test_every_kind_has_rows():
    assert {slug for slug, _, _ in ROWS} == {kind.slug for kind in kinds.all()}


@WITH_LOGIN
@pytest.mark.parametrize("error", CALLBACKS)
def test_every_callback_error_reads_as_advice(kind, error):
    check(kind.classify_callback_error({"error": error}))


@KINDS
@given(response=answers)
def test_no_answer_of_an_api_is_too_odd(kind, response):
    outcome = kind.classify(response)

    check(outcome)
    if outcome.ok and not response.ok:
        assert b"does not have the required permissions" in response.body


@KINDS
@given(response=answers)
def test_no_answer_of_a_token_endpoint_is_too_odd(kind, response):
    ended = grant_or_refusal(kind, response)

    if isinstance(ended, TokenGrant):
        assert ended.access_token
        assert ended.expires_in_s is None or 0 <= ended.expires_in_s < 10**10
    else:
        assert not ended.ok
        check(ended)


@KINDS
@pytest.mark.parametrize("odd", [None, 1, "x", [], ["x"], [None], [1], {"0": 1}], ids=repr)
def test_no_shape_of_an_error_is_too_odd(kind, odd):
    shapes = [odd, [odd], [{"extensions": odd}], [{"context": odd}], {"Error": odd}]
    for key in ("error", "errors", "Fault", "fault", "data", "message"):
        for shape, status in itertools.product(shapes, (200, 400, 403)):
            response = answer(status, {key: shape, "category": "MISSING_SCOPES"})
            check(kind.classify(response))
            check(kind.classify_token_error(response))


@WITH_LOGIN
@given(error=st.text(max_size=80))
def test_no_callback_is_too_odd(kind, error):
    check(kind.classify_callback_error({"error": error}))


@KINDS
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_an_outage_blames_nobody(kind, status):
    for outcome in (kind.classify(answer(status)), kind.classify_token_error(answer(status))):
        assert outcome.verdict is Verdict.TRANSIENT
