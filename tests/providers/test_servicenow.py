"""ServiceNow: every row of its error table, and the real calls at the simulator."""

import pytest

from sequin_admin.connect import credential_operations
from sequin_admin.core import http
from sequin_admin.credentials import kinds
from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.health import probes
from sequin_admin.tokens import renewal
from tests.providers.answers import answer

INSTANCE = "https://arrakis.service-now.com"
OAuth, Client = kinds.get("servicenow_oauth2"), kinds.get("servicenow_client_credentials")


@pytest.fixture
def asked(simulated):
    app = simulated.app("servicenow", "arrakis")
    secret = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    return {"instance_url": INSTANCE, **secret}


@pytest.fixture
def connected(go, asked):
    return go("servicenow_oauth2", "arrakis", inputs=asked).credential


TOKEN_ERRORS = [
    (answer(400, {"error": "invalid_grant"}), Verdict.CUSTOMER, "invalid_grant"),
    (answer(401, {"error": "invalid_grant"}), Verdict.CUSTOMER, "invalid_grant"),
    (
        answer(401, {"error": "server_error", "error_description": "access_denied"}),
        Verdict.CUSTOMER,
        "access_denied",
    ),
    (answer(401, {"error": "invalid_client"}), Verdict.CUSTOMER, "invalid_client"),
    (answer(200, "<html>Hibernating</html>"), Verdict.CUSTOMER, "hibernating"),
    (answer(429, {}, retry_after="60"), Verdict.TRANSIENT, "throttled"),
    (answer(502, "<html>"), Verdict.TRANSIENT, "unavailable"),
]


@pytest.mark.parametrize("kind", [OAuth, Client])
@pytest.mark.parametrize(
    ("response", "verdict", "code"),
    TOKEN_ERRORS,
)
def test_token_errors(kind, response, verdict, code):
    outcome = kind.classify_token_error(response)

    assert (outcome.verdict, outcome.code, outcome.of_app) == (verdict, code, False)


API_ERRORS = [
    (answer(200, {"result": []}), Verdict.OK, "ok"),
    (
        answer(401, {"error": {"message": "User Not Authenticated"}, "status": "failure"}),
        Verdict.REFRESH,
        "unauthorized",
    ),
    (answer(403, {"error": {"message": "ACL"}}), Verdict.CUSTOMER, "forbidden"),
    (answer(200, "<html>Log in</html>"), Verdict.CUSTOMER, "hibernating"),
    (answer(429, {"error": {"message": "Rate limit"}}), Verdict.TRANSIENT, "throttled"),
    (answer(503), Verdict.TRANSIENT, "unavailable"),
]


@pytest.mark.parametrize(
    ("response", "verdict", "code"),
    API_ERRORS,
)
def test_api_errors(response, verdict, code):
    outcome = OAuth.classify(response)

    assert (outcome.verdict, outcome.code) == (verdict, code)


def test_a_throttled_answer_says_when_to_come_back():
    assert OAuth.classify(answer(429, {}, retry_after="60")).retry_after_s == 60


def test_an_unknown_instance_is_the_customers_to_correct():
    outcome = OAuth.classify_unreachable(http.UnknownHost("There is no host named x."))

    assert outcome.verdict is Verdict.CUSTOMER


@pytest.mark.parametrize(
    "url",
    [
        "https://arrakis.service-now.com@evil.test",
        "https://arrakis.service-now.com.evil.test",
        "https://127.0.0.1",
    ],
)
def test_only_servicenows_own_hosts_are_called(save, url):
    with pytest.raises(ValueError, match="instance_url"):
        save("servicenow_client_credentials", instance_url=url, client_id="a", client_secret="b")


def test_a_trip_to_an_address_that_is_none_never_starts(go):
    asked = {"instance_url": "https://evil.test", "client_id": "a", "client_secret": "b"}

    with pytest.raises(ValueError, match="instance_url"):
        go("servicenow_oauth2", "arrakis", inputs=asked)


def test_connecting_learns_who_is_connected(connected):
    assert connected.properties["user_name"] == "sequin.sync"
    assert connected.properties["scope"] == "useraccount"
    assert len(connected.properties["user_sys_id"]) == 32
    assert connected.name == "arrakis"
    assert probes.verify(connected).ok


def test_denying_says_so(go, asked):
    connect_session = go("servicenow_oauth2", "arrakis", inputs=asked, allow=False)

    assert connect_session.credential is None
    assert "Access was denied at ServiceNow" in connect_session.failure


def test_a_token_that_ended_is_renewed(connected, simulated):
    before = renewal.get_access_token(connected)
    simulated.clock(1801)

    assert probes.verify(connected).ok
    assert renewal.get_access_token(connected) != before


def test_deleting_ends_the_access_at_servicenow(connected, simulated, user):
    token = renewal.get_access_token(connected)

    assert credential_operations.delete(connected, actor=user)

    url = simulated.url_for(f"{INSTANCE}/api/now/table/incident")
    answer = simulated.http.get(url, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_client_credentials_work_and_learn_their_user(save, asked):
    credential = save("servicenow_client_credentials", **asked)

    assert probes.verify(credential).ok
    credential.refresh_from_db()
    assert credential.properties["user_name"] == "sequin.sync"
    assert credential.properties["scope"] == "useraccount"


@pytest.mark.parametrize(
    ("switch", "verdict"),
    [
        ("disable_user", Verdict.CUSTOMER),
        ("hibernate", Verdict.CUSTOMER),
        ("revoke", Verdict.CUSTOMER),
        ("hide_users", Verdict.OK),
        ("throttle", Verdict.TRANSIENT),
        ("outage", Verdict.TRANSIENT),
    ],
)
def test_trouble_at_servicenow(connected, simulated, switch, verdict):
    simulated.act("servicenow", "arrakis", switch)

    assert probes.verify(connected).verdict is verdict


@pytest.mark.parametrize("switch", ["rotate_secret", "disable_client_credentials"])
def test_client_credentials_that_are_refused_are_the_customers(save, asked, simulated, switch):
    credential = save("servicenow_client_credentials", **asked)
    simulated.act("servicenow", "arrakis", switch)

    assert probes.verify(credential).verdict is Verdict.CUSTOMER
