"""pyairtable, the best known SDK for Airtable, and requests-oauthlib for its sign-in."""

import pyairtable
import pytest
from oauthlib.oauth2 import InvalidGrantError
from requests import HTTPError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

USER, BASE = "usrziLeD23j9AJ1", "appArrakis0000001"
TOKEN_URL = "https://airtable.com/oauth2/v1/token"


@pytest.fixture
def login(simulator):
    app = simulator.app("airtable")
    return HTTPBasicAuth(app["client_id"], app["client_secret"])


@pytest.fixture
def session(simulator, login, consent):
    """The session of a new connection."""
    uri = simulator.app("airtable")["redirect_uris"][0]
    scope = ["data.records:read", "data.records:write", "user.email:read"]
    session = OAuth2Session(login.username, redirect_uri=uri, scope=scope, pkce="S256")
    url, _ = session.authorization_url("https://airtable.com/oauth2/v1/authorize")
    session.fetch_token(TOKEN_URL, code=consent(url, USER)["code"], auth=login)
    return session


@pytest.fixture
def api(session):
    return pyairtable.Api(session.token["access_token"], retry_strategy=None)


def test_a_token_tells_whose_it_is(api):
    assert api.whoami() == {
        "id": USER,
        "scopes": ["data.records:read", "data.records:write", "user.email:read"],
        "email": "paul@arrakis.io",
    }


def test_a_refresh_token_works_once_and_takes_the_others_with_it(session, login, api):
    first = session.token["refresh_token"]
    second = session.refresh_token(TOKEN_URL, auth=login)["refresh_token"]
    assert second != first

    with pytest.raises(InvalidGrantError):
        session.refresh_token(TOKEN_URL, refresh_token=first, auth=login)

    with pytest.raises(InvalidGrantError):
        session.refresh_token(TOKEN_URL, refresh_token=second, auth=login)


def test_pages_follow_one_another(simulator, api):
    simulator.set_count("airtable", USER, 5)

    pages = list(api.table(BASE, "Spice").iterate(page_size=2))

    assert [len(page) for page in pages] == [2, 2, 1]
    assert set(pages[0][0]["fields"]) == {"Name", "Amount", "Found"}


def test_no_more_records_come_than_were_asked_for(api):
    assert len(api.table(BASE, "Spice").all(max_records=3)) == 3


def test_what_is_written_is_read_back_and_stands_in_the_oracle(api, oracle):
    table = api.table(BASE, "Spice")
    made = table.create({"Name": "Written"})["id"]

    table.update(made, {"Name": "Changed"})

    assert table.get(made)["fields"]["Name"] == "Changed"
    stored = oracle("airtable", USER, f"{BASE}/tblSpice000000001")[made]
    assert stored["fields"]["Name"] == "Changed"


def test_a_revoked_token_is_refused(simulator, api):
    simulator.act("airtable", USER, "revoke")

    with pytest.raises(HTTPError, match="AUTHENTICATION_REQUIRED") as refusal:
        api.whoami()
    assert refusal.value.response.status_code == 401


def test_too_many_calls_are_refused(simulator, api):
    simulator.act("airtable", USER, "throttle")

    with pytest.raises(HTTPError) as refusal:
        api.whoami()
    assert refusal.value.response.status_code == 429
