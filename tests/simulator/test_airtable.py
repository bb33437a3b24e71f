"""Airtable's own rules, over plain HTTP."""

from urllib.parse import urlsplit

import httpx2
import pytest

from tests.tokens.test_processes import wait_until

WHOAMI = "https://api.airtable.com/v0/meta/whoami"
RECORDS = "https://api.airtable.com/v0/appArrakis0000001/Spice"
PAUL = "usrziLeD23j9AJ1"


@pytest.fixture
def him(customer):
    return customer("airtable")


def test_tokens_live_for_an_hour_and_sixty_days(him):
    tokens = him.connect()

    assert (tokens["expires_in"], tokens["refresh_expires_in"]) == (3600, 5_184_000)
    assert (tokens["token_type"], tokens["scope"]) == ("Bearer", "data.records:read")


def test_whoami_tells_the_mail_only_with_its_scope(him):
    plain = him.connect()["access_token"]
    both = him.connect(scope="data.records:read user.email:read")["access_token"]

    assert him.call(WHOAMI, plain).json() == {"id": PAUL, "scopes": ["data.records:read"]}
    assert him.call(WHOAMI, both).json()["email"] == "paul@arrakis.io"


@pytest.mark.parametrize("missing", ["state", "scope", "response_type"])
def test_what_is_mandatory_is_demanded(him, simulator, missing):
    answer = simulator.http.get(simulator.url_for(him.address(**{missing: ""})))

    query = urlsplit(answer.headers["location"]).query
    assert "error=invalid_request" in query
    assert missing in query


def test_a_refresh_token_works_once_and_a_reuse_kills_the_grant(him):
    first = him.connect()
    second = him.refresh(first["refresh_token"]).json()

    assert him.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"
    assert him.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"
    assert him.call(WHOAMI, second["access_token"]).status_code == 401


def test_a_refresh_token_spent_elsewhere_is_gone(him, simulator):
    refresh = him.connect()["refresh_token"]

    simulator.act("airtable", PAUL, "spend_refresh")

    assert him.refresh(refresh).json()["error"] == "invalid_grant"


def test_the_journal_says_which_answer_reached_nobody(him, simulator, monkeypatch):
    """`slow` does the work at once, and answers after the caller has given up."""
    token = him.connect()["refresh_token"]

    def issued():
        answer = simulator.http.get(f"{simulator.url}/control-api/airtable/journal/{PAUL}")
        return answer.json()["data"][0]["refresh_tokens"]

    for mark in ("destroyed", "abandoned"):
        simulator.fault("airtable", "slow", times=1)
        with monkeypatch.context() as impatient:
            impatient.setattr(simulator.http, "timeout", 0.5)
            with pytest.raises(httpx2.TimeoutException):
                him.refresh(token)
        wait_until(lambda mark=mark: any(each[mark] for each in issued()))

    assert [each["abandoned"] for each in issued()] == [True, False]
    assert [each["destroyed"] for each in issued()] == [False, True]


def test_a_refresh_token_is_over_after_sixty_days(him, simulator):
    refresh = him.connect()["refresh_token"]

    simulator.clock(5_184_001)

    assert him.refresh(refresh).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("action", ["expire", "revoke", "disable_user"])
def test_an_access_token_that_ended_needs_authentication(him, simulator, action):
    token = him.connect()["access_token"]

    simulator.act("airtable", PAUL, action)

    answer = him.call(WHOAMI, token)
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "AUTHENTICATION_REQUIRED"


def test_records_need_their_scope(him, simulator):
    token = him.connect()["access_token"]
    assert len(him.call(RECORDS, token).json()["records"]) == 100

    simulator.act("airtable", PAUL, "drop_scope")

    assert him.call(RECORDS, token).json()["error"]["type"] == "INVALID_PERMISSIONS"


def test_who_is_too_fast_waits_thirty_seconds_at_that_base(him, simulator):
    token = him.connect()["access_token"]
    simulator.stop_clock()

    answers = [him.call(RECORDS, token).status_code for _ in range(6)]

    assert answers == [200] * 5 + [429]
    simulator.clock(20)
    assert him.call(RECORDS, token).status_code == 429
    simulator.clock(11)
    assert him.call(RECORDS, token).status_code == 200


def test_records_come_in_pages_with_the_time_they_were_made(him, simulator):
    simulator.set_count("airtable", PAUL, 5)
    token = him.connect()["access_token"]

    first = him.call(f"{RECORDS}?pageSize=3", token).json()
    last = him.call(f"{RECORDS}?pageSize=3&offset={first['offset']}", token).json()

    assert len(first["records"]) == 3
    assert set(last["records"][0]) == {"id", "createdTime", "fields"}
    assert (len(last["records"]), "offset" in last) == (2, False)


WRITES = "data.records:read data.records:write"


@pytest.fixture
def call(him, simulator):
    """Calls of the records, as JSON; the clock goes on a second a call."""
    token = him.connect(scope=WRITES)["access_token"]
    simulator.stop_clock()

    def call(method, path="", **options):
        simulator.clock(1)
        url = simulator.url_for(f"{RECORDS}{path}")
        headers = {"Authorization": f"Bearer {token}"}
        return simulator.http.request(method, url, headers=headers, **options)

    return call


def test_records_are_created_changed_and_deleted(call):
    many = [{"fields": {"Name": name}} for name in ("One", "Two")]
    first, second = call("POST", json={"records": many}).json()["records"]

    changed = call("PATCH", f"/{first['id']}", json={"fields": {"Amount": 7}}).json()
    gone = call("DELETE", params={"records[]": [second["id"]]}).json()

    assert first["fields"] == {"Name": "One"}
    assert changed["fields"] == {"Name": "One", "Amount": 7}
    assert call("GET", f"/{first['id']}").json() == changed
    assert gone == {"records": [{"id": second["id"], "deleted": True}]}
    assert call("GET", f"/{second['id']}").json() == {"error": "NOT_FOUND"}


@pytest.mark.parametrize(
    ("formula", "found"),
    [
        ("IS_AFTER(LAST_MODIFIED_TIME(), '{}')", 0),
        ("LAST_MODIFIED_TIME() >= DATETIME_PARSE('{}')", 1),
        ("NOT(IS_BEFORE(LAST_MODIFIED_TIME(), '{}'))", 1),
    ],
)
def test_records_changed_since_a_time_are_found_by_a_formula(call, simulator, formula, found):
    call("POST", json={"fields": {"Name": "New"}})
    at = simulator.state()["now"]

    answer = call("GET", params={"filterByFormula": formula.format(at)})

    assert len(answer.json()["records"]) == found


@pytest.mark.parametrize(
    ("method", "path", "options", "type_"),
    [
        ("GET", "?filterByFormula=TODAY()", {}, "INVALID_FILTER_BY_FORMULA"),
        ("GET", "?offset=0/recNo", {}, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"),
        ("GET", f"?offset={'9' * 30}", {}, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"),
        ("GET", "?pageSize=101", {}, "INVALID_REQUEST_UNKNOWN"),
        ("POST", "", {"content": b"{"}, "INVALID_REQUEST_MISSING_FIELDS"),
        ("POST", "", {"json": {"fields": {"Colour": "red"}}}, "UNKNOWN_FIELD_NAME"),
        ("POST", "", {"json": {"records": [{"fields": {}}] * 11}}, "INVALID_RECORDS"),
        ("DELETE", "", {}, "INVALID_RECORDS"),
    ],
)
def test_what_records_cannot_be_is_refused(call, method, path, options, type_):
    answer = call(method, path, **options)

    assert (answer.status_code, answer.json()["error"]["type"]) == (422, type_)


def test_a_table_that_is_not_there_is_forbidden(him):
    answer = him.call(f"{RECORDS}s", him.connect()["access_token"])

    assert answer.status_code == 403
