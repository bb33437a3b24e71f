"""The simulated Auth0 behaves as its documentation says, over plain HTTP."""

import jwt
import pytest

HOST = "https://arrakis.us.auth0.com"
AUDIENCE = f"{HOST}/api/v2/"


@pytest.fixture
def ask(simulator):
    """A valid token request; `changes` make it invalid."""

    def post(host=HOST, **changes):
        app = simulator.app("auth0", "arrakis.us.auth0.com")
        body = {
            "grant_type": "client_credentials",
            "client_id": app["client_id"],
            "client_secret": app["client_secret"],
            "audience": AUDIENCE,
            **changes,
        }
        return simulator.http.post(simulator.url_for(f"{host}/oauth/token"), json=body)

    return post


@pytest.fixture
def read(simulator):
    def get(token, path="tenants/settings"):
        headers = {"Authorization": f"Bearer {token}"}
        return simulator.http.get(simulator.url_for(f"{HOST}/api/v2/{path}"), headers=headers)

    return get


def test_a_token_tells_who_it_is_for(ask, simulator):
    answer = ask().json()

    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    client_id = simulator.app("auth0", "arrakis.us.auth0.com")["client_id"]
    assert answer["expires_in"] == 86_400
    assert "refresh_token" not in answer
    assert claims["aud"] == AUDIENCE
    assert claims["iss"] == f"{HOST}/"
    assert claims["azp"] == client_id
    assert claims["sub"] == f"{client_id}@clients"
    assert claims["gty"] == "client-credentials"
    assert claims["scope"] == answer["scope"]


def test_a_token_opens_the_management_api(ask, read):
    token = ask().json()["access_token"]

    assert read(token).json()["friendly_name"] == "Arrakis"
    assert len(read(token, "users").json()) == 5


def test_a_wrong_secret_is_unauthorized(ask):
    answer = ask(client_secret="wrong")

    assert answer.status_code == 401
    assert answer.json() == {"error": "access_denied", "error_description": "Unauthorized"}


def test_another_tenants_client_is_unknown_here(ask, simulator):
    other = simulator.app("auth0", "giedi-prime.eu.auth0.com")

    answer = ask(client_id=other["client_id"], client_secret=other["client_secret"])

    assert answer.status_code == 401


def test_the_audience_matters_to_the_slash(ask):
    answer = ask(audience=AUDIENCE.rstrip("/"))

    assert (answer.status_code, answer.json()["error"]) == (403, "access_denied")


def test_an_unauthorized_client_gets_no_token_but_keeps_the_one_it_has(ask, read, simulator):
    token = ask().json()["access_token"]
    simulator.act("auth0", "arrakis.us.auth0.com", "unauthorize")

    refused = ask()

    assert refused.status_code == 403
    assert "is not authorized to access" in refused.json()["error_description"]
    assert read(token).status_code == 200


def test_a_token_ends_after_a_day(ask, read, simulator):
    token = ask().json()["access_token"]
    simulator.clock(86_401)

    assert read(token).status_code == 401


def test_a_dropped_scope_shows_in_new_tokens_only(ask, read, simulator):
    before = ask().json()["access_token"]
    simulator.act("auth0", "arrakis.us.auth0.com", "drop_scope")

    refused = read(ask().json()["access_token"])

    assert read(before).status_code == 200
    assert (refused.status_code, refused.json()["errorCode"]) == (403, "insufficient_scope")


def test_a_free_tenant_takes_a_burst_of_ten_calls(ask, read):
    token = ask().json()["access_token"]

    answers = [read(token) for _ in range(20)]

    assert [answer.status_code for answer in answers[:10]] == [200] * 10
    throttled = next(answer for answer in answers if answer.status_code == 429)
    assert throttled.headers["x-ratelimit-remaining"] == "0"
    assert int(throttled.headers["x-ratelimit-reset"]) > 0


def test_an_unknown_tenant_is_nobody(ask):
    assert ask(host="https://caladan.us.auth0.com").status_code == 404


def test_users_come_in_pages_with_totals_for_who_asks(ask, read):
    token = ask().json()["access_token"]

    page = read(token, "users?page=1&per_page=2&include_totals=true").json()
    plain = read(token, "users?page=2&per_page=2").json()

    assert [user["email"].split("@")[0] for user in page.pop("users")] == ["leto", "duncan"]
    assert page == {"start": 2, "limit": 2, "length": 2, "total": 5}
    assert [user["user_id"] for user in plain] == ["auth0|gurney"]
