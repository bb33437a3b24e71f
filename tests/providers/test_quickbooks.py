"""QuickBooks: every row of its error table, and the real calls at the simulator."""

from datetime import datetime, timedelta

import pytest

from sequin_admin.connect import credential_operations
from sequin_admin.core import clock
from sequin_admin.core.http import Response
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.health import probes
from sequin_admin.tokens import renewal
from tests.providers.answers import answer

REALM, SANDBOX_REALM = "4620816365001234567", "9130357849987654321"
QuickBooks = kinds.get("quickbooks_oauth2")


@pytest.fixture
def app(make_app):
    return make_app("quickbooks")


@pytest.fixture
def connected(go, app):
    return go("quickbooks_oauth2", REALM, oauth_app=app, inputs={"sandbox": False}).credential


def fault(code, type_="AUTHENTICATION"):
    return {"Fault": {"Error": [{"Message": "...", "code": code}], "type": type_}}


TOKEN_ERRORS = [
    (answer(400, {"error": "invalid_grant"}), Verdict.CUSTOMER, "invalid_grant", False),
    (answer(401, {"error": "invalid_client"}), Verdict.OPERATOR, "invalid_client", True),
    (answer(429), Verdict.TRANSIENT, "throttled", False),
    (answer(500), Verdict.TRANSIENT, "unavailable", False),
    (answer(200, "<h1>Sorry</h1>"), Verdict.TRANSIENT, "not_json", False),
]


@pytest.mark.parametrize(
    ("response", "verdict", "code", "of_app"),
    TOKEN_ERRORS,
)
def test_token_errors(response, verdict, code, of_app):
    outcome = QuickBooks.classify_token_error(response)

    assert (outcome.verdict, outcome.code, outcome.of_app) == (verdict, code, of_app)


API_ERRORS = [
    (answer(200, {"CompanyInfo": {}}), Verdict.OK, "ok"),
    (answer(401, fault("3200")), Verdict.REFRESH, "3200"),
    (answer(401, {"fault": {"error": [{"code": "3200"}]}}), Verdict.REFRESH, "3200"),
    (answer(401), Verdict.REFRESH, "unauthorized"),
    (answer(403, fault("3100")), Verdict.CUSTOMER, "3100"),
    (answer(401, fault("120", "AuthorizationFault")), Verdict.CUSTOMER, "120"),
    (answer(400, fault("120", "AuthorizationFault")), Verdict.CUSTOMER, "120"),
    (answer(403, fault("5020")), Verdict.CUSTOMER, "5020"),
    (answer(403, fault("6190")), Verdict.CUSTOMER, "6190"),
    (answer(429), Verdict.TRANSIENT, "throttled"),
    (answer(400, fault("3001")), Verdict.TRANSIENT, "throttled"),
    (answer(504), Verdict.TRANSIENT, "unavailable"),
    (answer(404, {"Fault": "?"}), Verdict.TRANSIENT, "http_404"),
]


@pytest.mark.parametrize(
    ("response", "verdict", "code"),
    API_ERRORS,
)
def test_api_errors(response, verdict, code):
    outcome = QuickBooks.classify(response)

    assert (outcome.verdict, outcome.code) == (verdict, code)


def test_a_throttled_company_is_left_alone_for_a_minute():
    assert QuickBooks.classify(answer(429)).retry_after_s == 60


def test_evidence_names_intuits_own_trace():
    response = Response(403, {"intuit_tid": "1-abc"}, answer(403, fault("3100")).body)

    assert QuickBooks.classify(response).evidence["request_id"] == "1-abc"


def test_connecting_reads_the_company(connected):
    assert connected.properties["realm_id"] == REALM
    assert connected.properties["company_name"] == "Arrakis"
    assert connected.properties["scope"] == "com.intuit.quickbooks.accounting"
    assert connected.name == "Arrakis"
    assert probes.verify(connected).ok


def test_a_sandbox_company_is_asked_at_the_sandbox(go, app):
    asked = {"sandbox": True}

    credential = go("quickbooks_oauth2", SANDBOX_REALM, oauth_app=app, inputs=asked).credential

    assert credential.properties["sandbox"] is True
    assert credential.base_url() == "https://sandbox-quickbooks.api.intuit.com"
    assert probes.verify(credential).ok


@pytest.mark.parametrize("forged", [SANDBOX_REALM, "4620816365007654321", "1/../2", ""])
def test_a_forged_realm_is_never_stored(go, app, forged):
    connect_session = go(
        "quickbooks_oauth2",
        REALM,
        oauth_app=app,
        inputs={"sandbox": False},
        forged={"realmId": forged},
    )

    assert "does not confirm" in connect_session.failure
    assert not Credential.objects.exists()


def test_a_sandbox_company_without_the_tick_is_explained(go, app):
    connect_session = go(
        "quickbooks_oauth2", SANDBOX_REALM, oauth_app=app, inputs={"sandbox": False}
    )

    assert connect_session.credential is None
    assert "sandbox" in connect_session.failure


def test_each_refresh_moves_the_refresh_tokens_end(connected, monkeypatch):
    before = Credential.objects.get(pk=connected.pk).properties["refresh_token_expires_at"]
    later = clock.now() + timedelta(days=3)
    monkeypatch.setattr(clock, "now", lambda: later)

    renewal.refresh(connected)

    after = Credential.objects.get(pk=connected.pk).properties["refresh_token_expires_at"]
    moved = datetime.fromisoformat(after) - datetime.fromisoformat(before)
    assert timedelta(days=2, hours=23) < moved < timedelta(days=3, hours=1)


def test_the_new_value_after_a_day_is_kept(connected, simulated):
    first = connected.secrets["refresh_token"]
    simulated.clock(86_460)

    assert probes.verify(connected).ok

    assert Credential.objects.get(pk=connected.pk).secrets["refresh_token"] != first


def test_a_lost_answer_on_the_day_of_the_change_is_no_harm(connected, simulated):
    simulated.clock(86_460)
    simulated.act("quickbooks", REALM, "lost_response")
    outcome = probes.verify(connected)

    again = probes.call_probe(connected, force=True)

    assert outcome.verdict is Verdict.TRANSIENT
    assert again.ok


def test_deleting_gives_the_access_back(connected, simulated, user):
    assert credential_operations.delete(connected, actor=user)
    assert simulated.calls("quickbooks")[-1]["endpoint"].endswith("/tokens/revoke")
    assert simulated.calls("quickbooks")[-1]["status"] == 200


@pytest.mark.parametrize(
    ("switch", "verdict"),
    [
        ("revoke", Verdict.CUSTOMER),
        ("take_rights_away", Verdict.CUSTOMER),
        ("end_subscription", Verdict.CUSTOMER),
        ("throttle", Verdict.TRANSIENT),
        ("outage", Verdict.TRANSIENT),
        ("html", Verdict.TRANSIENT),
    ],
)
def test_trouble_at_quickbooks(connected, simulated, switch, verdict):
    simulated.act("quickbooks", REALM, switch)

    assert probes.verify(connected).verdict is verdict


def test_a_wrong_secret_of_our_app_is_ours(connected, simulated, app):
    app.secrets = {**app.secrets, "client_secret": "wrong"}
    app.save()
    simulated.act("quickbooks", REALM, "expire")

    outcome = probes.call_probe(Credential.objects.get(pk=connected.pk))

    assert (outcome.verdict, outcome.of_app) == (Verdict.OPERATOR, True)
