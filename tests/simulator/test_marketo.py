"""The simulated Marketo behaves as its documentation says, over plain HTTP."""

import pytest

BASE = "https://123-ABC-456.mktorest.com"


@pytest.fixture
def ask(simulator):
    """A valid token request; `changes` make its query invalid."""

    def get(method="GET", **changes):
        app = simulator.app("marketo", "123-ABC-456")
        query = {
            "grant_type": "client_credentials",
            "client_id": app["client_id"],
            "client_secret": app["client_secret"],
            **changes,
        }
        url = simulator.url_for(f"{BASE}/identity/oauth/token")
        return simulator.http.request(method, url, params=query)

    return get


@pytest.fixture
def read(simulator):
    def get(token, path="stats/usage.json", **params):
        headers = {"Authorization": f"Bearer {token}"}
        url = simulator.url_for(f"{BASE}/rest/v1/{path}")
        return simulator.http.get(url, headers=headers, params=params)

    return get


def codes(answer):
    assert answer.status_code == 200
    return [error["code"] for error in answer.json().get("errors", [])]


def test_asking_early_gives_the_same_token_with_what_is_left_of_it(ask, simulator):
    first = ask().json()
    simulator.clock(600)

    again = ask("POST").json()

    assert first["scope"] == "apis@arrakis.io"
    assert again["access_token"] == first["access_token"]
    assert again["expires_in"] <= first["expires_in"] - 600


def test_after_its_hour_another_token_comes(ask, read, simulator):
    first = ask().json()["access_token"]
    simulator.clock(3600)

    assert codes(read(first)) == ["602"]
    assert ask().json()["access_token"] != first


def test_a_wrong_secret_is_401(ask):
    assert ask(client_secret="wrong").status_code == 401


def test_secrets_in_the_body_are_not_seen(simulator):
    app = simulator.app("marketo", "123-ABC-456")
    url = simulator.url_for(f"{BASE}/identity/oauth/token?grant_type=client_credentials")

    answer = simulator.http.post(url, data=app)

    assert answer.status_code == 401


def test_an_invented_token_is_601(read):
    assert codes(read("invented")) == ["601"]


def test_a_token_in_the_query_is_not_seen(ask, simulator):
    token = ask().json()["access_token"]
    url = simulator.url_for(f"{BASE}/rest/v1/stats/usage.json")

    answer = simulator.http.get(url, params={"access_token": token})

    assert codes(answer) == ["601"]


def test_usage_counts_calls_and_not_token_requests(ask, read):
    token = ask().json()["access_token"]
    read(token, "leads.json", filterType="id", filterValues="1")

    day = read(token).json()["result"][0]

    assert day["total"] == 2
    assert day["users"] == [{"userId": "apis@arrakis.io", "count": 2}]


@pytest.mark.parametrize(
    ("switch", "code"),
    [("deny_access", "603"), ("use_up_daily_quota", "607"), ("throttle", "606")],
)
def test_refusals_come_with_200(ask, read, simulator, switch, code):
    token = ask().json()["access_token"]
    simulator.act("marketo", "123-ABC-456", switch)

    assert codes(read(token)) == [code]


def test_another_subscriptions_token_is_601(read, simulator):
    app = simulator.app("marketo", "789-XYZ-012")
    query = {"grant_type": "client_credentials", **app}
    url = simulator.url_for("https://789-XYZ-012.mktorest.com/identity/oauth/token")
    token = simulator.http.get(url, params=query).json()["access_token"]

    assert codes(read(token)) == ["601"]


def test_a_long_query_comes_as_a_form_and_leads_in_pages(ask, simulator):
    bearer = {"Authorization": f"Bearer {ask().json()['access_token']}"}
    form = {"_method": "GET", "filterType": "email", "filterValues": "a,b", "batchSize": "3"}
    url = simulator.url_for(f"{BASE}/rest/v1/leads.json")

    first = simulator.http.post(url, data=form, headers=bearer).json()
    form["nextPageToken"] = first["nextPageToken"]
    last = simulator.http.post(url, data=form, headers=bearer).json()

    assert (len(first["result"]), first["moreResult"]) == (3, True)
    assert [lead["firstName"] for lead in last["result"]] == ["Duncan", "Gurney"]
    assert "nextPageToken" not in last
    form = {**form, "nextPageToken": "x", "batchSize": "-1"}
    assert len(simulator.http.post(url, data=form, headers=bearer).json()["result"]) == 5


def test_a_form_without_its_method_is_no_query(ask, simulator):
    bearer = {"Authorization": f"Bearer {ask().json()['access_token']}"}
    url = simulator.url_for(f"{BASE}/rest/v1/leads.json")

    assert codes(simulator.http.post(url, data={"filterType": "id"}, headers=bearer)) == ["610"]
