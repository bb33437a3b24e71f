"""Marketo: every row of its error table, and the real calls at the simulator."""

import pytest

from sequin_admin.core import http
from sequin_admin.credentials import kinds
from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.health import probes
from sequin_admin.tokens import renewal
from tests.providers.answers import answer

MUNCHKIN = "123-ABC-456"
Marketo = kinds.get("marketo_client_credentials")


@pytest.fixture
def credential(simulated, save):
    app = simulated.app("marketo", MUNCHKIN)
    secret = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    return save("marketo_client_credentials", munchkin_id=MUNCHKIN, **secret)


def failed(code):
    return answer(200, {"success": False, "errors": [{"code": code, "message": "..."}]})


API_ERRORS = [
    *[(failed(code), Verdict.REFRESH) for code in ("601", "602")],
    (failed("603"), Verdict.CUSTOMER),
    *[
        (failed(code), Verdict.TRANSIENT)
        for code in ("502", "604", "606", "607", "608", "611", "614", "615", "713", "719", "1003")
    ],
    *[(answer(status), Verdict.TRANSIENT) for status in (413, 414)],
]


@pytest.mark.parametrize(("response", "verdict"), API_ERRORS)
def test_api_errors(response, verdict):
    assert Marketo.classify(response).verdict is verdict


@pytest.mark.parametrize("code", ["601", "602"])
def test_a_refused_token_is_renewed_first(code):
    assert Marketo.classify(failed(code)).verdict is Verdict.REFRESH


def test_denied_access_is_the_customers_to_mend():
    assert Marketo.classify(failed("603")).verdict is Verdict.CUSTOMER


@pytest.mark.parametrize(
    "code", ["502", "604", "606", "607", "608", "611", "614", "615", "713", "719"]
)
def test_being_busy_is_nobodys_fault(code):
    outcome = Marketo.classify(failed(code))

    assert (outcome.verdict, outcome.code) == (Verdict.TRANSIENT, code)
    assert outcome.retry_after_s > 0


@pytest.mark.parametrize(
    "response",
    [failed("1003"), answer(200, {"success": False}), answer(200, {"errors": "?"}), answer(413)],
)
def test_an_answer_nobody_described_blames_nobody(response):
    assert Marketo.classify(response).verdict is Verdict.TRANSIENT


def test_success_is_said_in_the_body():
    assert Marketo.classify(answer(200, {"success": True, "result": []})).ok


TOKEN_ERRORS = [
    (answer(401, {"error": "unauthorized"}), Verdict.CUSTOMER, "unauthorized"),
    (answer(401, {"error": "invalid_client"}), Verdict.CUSTOMER, "invalid_client"),
    (answer(503), Verdict.TRANSIENT, "unavailable"),
    (answer(200, "<h1>Sorry</h1>"), Verdict.TRANSIENT, "not_json"),
]


@pytest.mark.parametrize(
    ("response", "verdict", "code"),
    TOKEN_ERRORS,
)
def test_token_errors(response, verdict, code):
    outcome = Marketo.classify_token_error(response)

    assert (outcome.verdict, outcome.code, outcome.of_app) == (verdict, code, False)


def test_an_unknown_munchkin_id_is_the_customers_to_correct():
    outcome = Marketo.classify_unreachable(http.UnknownHost("There is no host named x."))

    assert outcome.verdict is Verdict.CUSTOMER


@pytest.mark.parametrize("munchkin", ["123-ABC-4567", "evil.test/123-ABC-456", "123-ABC-456.x"])
def test_only_marketos_own_hosts_are_called(save, munchkin):
    with pytest.raises(ValueError, match="munchkin_id"):
        save("marketo_client_credentials", munchkin_id=munchkin, client_id="a", client_secret="b")


def test_a_saved_credential_works_and_learns_its_user(credential):
    outcome = probes.verify(credential)

    credential.refresh_from_db()
    assert outcome.ok
    assert credential.properties["api_user"] == "apis@arrakis.io"


def test_a_token_that_ended_is_minted_again(credential, simulated):
    before = renewal.get_access_token(credential)
    simulated.clock(3600)

    assert probes.verify(credential).ok
    assert renewal.get_access_token(credential) != before


def test_a_rotated_secret_is_the_customers_to_enter(credential, simulated):
    simulated.act("marketo", MUNCHKIN, "rotate_secret")

    assert probes.verify(credential).verdict is Verdict.CUSTOMER


@pytest.mark.parametrize(
    ("switch", "verdict"),
    [
        ("deny_access", Verdict.CUSTOMER),
        ("use_up_daily_quota", Verdict.TRANSIENT),
        ("throttle", Verdict.TRANSIENT),
        ("outage", Verdict.TRANSIENT),
    ],
)
def test_trouble_at_marketo(credential, simulated, switch, verdict):
    renewal.get_access_token(credential)
    simulated.act("marketo", MUNCHKIN, switch)

    assert probes.verify(credential).verdict is verdict
