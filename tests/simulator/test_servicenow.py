"""The simulated ServiceNow behaves as its documentation says, over plain HTTP."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.simulator_server import CALLBACK_BASE

BASE = "https://arrakis.service-now.com"
CALLBACK = f"{CALLBACK_BASE}/link/oauth2/callback/servicenow"


@pytest.fixture
def app(simulator):
    return simulator.app("servicenow", "arrakis")


@pytest.fixture
def authorize_url(app):
    query = {
        "response_type": "code",
        "client_id": app["client_id"],
        "redirect_uri": CALLBACK,
        "state": "s" * 22,
    }
    return f"{BASE}/oauth_auth.do?{urlencode(query)}"


@pytest.fixture
def ask(simulator, app):
    """A valid token request as a form; `changes` make it invalid."""

    def post(grant_type, **changes):
        body = {
            "grant_type": grant_type,
            "client_id": app["client_id"],
            "client_secret": app["client_secret"],
            **changes,
        }
        return simulator.http.post(simulator.url_for(f"{BASE}/oauth_token.do"), data=body)

    return post


@pytest.fixture
def connected(simulator, ask, authorize_url):
    """The token response of a new connection."""
    back = parse_qs(urlsplit(simulator.consent(authorize_url, account="arrakis")).query)
    return ask("authorization_code", code=back["code"][0], redirect_uri=CALLBACK).json()


@pytest.fixture
def read(simulator):
    def get(token, table="sys_user"):
        headers = {"Authorization": f"Bearer {token}"}
        url = simulator.url_for(f"{BASE}/api/now/table/{table}")
        return simulator.http.get(url, headers=headers)

    return get


def test_a_trip_ends_with_both_tokens(connected, read):
    assert connected["scope"] == "useraccount"
    assert connected["expires_in"] == 1800
    assert read(connected["access_token"]).json()["result"][0]["user_name"] == "sequin.sync"


def test_denying_comes_back_as_an_error(simulator, authorize_url):
    back = simulator.consent(authorize_url, account="arrakis", allow=False)

    assert parse_qs(urlsplit(back).query)["error"] == ["access_denied"]


def test_only_the_instances_own_account_can_be_chosen(simulator, authorize_url):
    page = simulator.http.get(simulator.url_for(authorize_url)).text

    assert "Arrakis" in page
    assert "Giedi Prime" not in page


def test_a_client_of_another_instance_is_unknown_here(simulator, authorize_url):
    elsewhere = authorize_url.replace("arrakis", "giedi-prime")

    assert simulator.http.get(simulator.url_for(elsewhere)).status_code == 400


def test_json_is_not_understood_and_the_error_does_not_say_so(simulator, app):
    body = {"grant_type": "client_credentials", **app}

    answer = simulator.http.post(simulator.url_for(f"{BASE}/oauth_token.do"), json=body)

    assert answer.json() == {"error": "server_error", "error_description": "access_denied"}


def test_asking_early_gives_the_same_tokens(ask, connected, simulator):
    simulator.clock(600)

    again = ask("refresh_token", refresh_token=connected["refresh_token"]).json()

    assert again["access_token"] == connected["access_token"]
    assert again["refresh_token"] == connected["refresh_token"]
    assert again["expires_in"] <= 1200


def test_after_half_an_hour_another_access_token_comes(ask, connected, read, simulator):
    simulator.clock(1801)

    again = ask("refresh_token", refresh_token=connected["refresh_token"]).json()

    assert read(connected["access_token"]).status_code == 401
    assert read(again["access_token"]).status_code == 200


def test_after_a_hundred_days_the_refresh_token_is_over(ask, connected, simulator):
    simulator.clock(8_640_001)

    answer = ask("refresh_token", refresh_token=connected["refresh_token"])

    assert answer.json()["error"] == "invalid_grant"


def test_client_credentials_give_no_refresh_token(ask, read):
    answer = ask("client_credentials").json()

    assert "refresh_token" not in answer
    assert read(answer["access_token"], "incident").headers["X-Total-Count"] == "4"


def test_client_credentials_can_be_off(ask, simulator):
    simulator.act("servicenow", "arrakis", "disable_client_credentials")

    assert ask("client_credentials").status_code == 401


def test_a_wrong_secret_is_refused(ask):
    answer = ask("client_credentials", client_secret="wrong")

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_locked_user_gets_nothing(ask, connected, read, simulator):
    simulator.act("servicenow", "arrakis", "disable_user")

    refused = ask("refresh_token", refresh_token=connected["refresh_token"])

    assert refused.json()["error_description"] == "access_denied"
    assert read(connected["access_token"]).json()["status"] == "failure"


def test_whoever_knows_a_token_may_end_it(ask, connected, read, simulator):
    url = simulator.url_for(f"{BASE}/oauth_revoke_token.do")
    simulator.http.post(url, data={"token": connected["refresh_token"]})

    assert read(connected["access_token"]).status_code == 401
    answer = ask("refresh_token", refresh_token=connected["refresh_token"])
    assert answer.json()["error"] == "invalid_grant"


def test_a_sleeping_instance_answers_with_a_page(connected, ask, read, simulator):
    simulator.act("servicenow", "arrakis", "hibernate")

    for answer in (ask("client_credentials"), read(connected["access_token"])):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")


def test_a_hidden_user_table_hides_nothing_else(connected, read, simulator):
    simulator.act("servicenow", "arrakis", "hide_users")

    assert read(connected["access_token"]).status_code == 403
    assert read(connected["access_token"], "incident").status_code == 200


def test_a_throttled_answer_names_the_rule(connected, read, simulator):
    simulator.act("servicenow", "arrakis", "throttle")

    answer = read(connected["access_token"])

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "60"
    assert answer.json()["error"]["message"] == "Rate limit exceeded"


def test_rows_come_in_pages_and_are_counted(connected, read):
    answer = read(connected["access_token"], "incident?sysparm_limit=3&sysparm_offset=3")

    assert [row["number"] for row in answer.json()["result"]] == ["INC0000004"]
    assert answer.headers["X-Total-Count"] == "4"
    nonsense = read(connected["access_token"], "incident?sysparm_limit=x&sysparm_offset=-1")
    assert len(nonsense.json()["result"]) == 4


@pytest.mark.parametrize(
    ("form", "state"),
    [("false", "1"), ("true", "New"), ("all", {"display_value": "New", "value": "1"})],
)
def test_a_field_comes_as_stored_as_read_or_both(connected, read, form, state):
    query = f"incident?sysparm_limit=1&sysparm_fields=state&sysparm_display_value={form}"

    assert read(connected["access_token"], query).json()["result"] == [{"state": state}]
