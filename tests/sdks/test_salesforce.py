"""simple-salesforce, the best known SDK for Salesforce, and requests-oauthlib for its sign-in."""

import pytest
from oauthlib.oauth2 import InvalidGrantError
from requests_oauthlib import OAuth2Session
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceExpiredSession, SalesforceRefusedRequest

from tests.sdks.oauth import revoke

ORGANIZATION = "00D5g000004ArrakEA"
LOGIN = "https://login.salesforce.com/services/oauth2"
pytestmark = pytest.mark.faults


@pytest.fixture
def app(simulator):
    known = simulator.app("salesforce")
    return {name: known[name] for name in ("client_id", "client_secret")}


@pytest.fixture
def session(simulator, app, consent):
    """The session of a new connection."""
    uri = simulator.app("salesforce")["redirect_uris"][0]
    scope = ["api", "refresh_token"]
    session = OAuth2Session(app["client_id"], redirect_uri=uri, scope=scope, pkce="S256")
    url, _ = session.authorization_url(f"{LOGIN}/authorize")
    code = consent(url, ORGANIZATION)["code"]
    secret = app["client_secret"]
    session.fetch_token(f"{LOGIN}/token", code=code, include_client_id=True, client_secret=secret)
    return session


@pytest.fixture
def salesforce(session):
    token = session.token
    return Salesforce(instance_url=token["instance_url"], session_id=token["access_token"])


def test_records_are_read_to_the_last_page(simulator, salesforce):
    simulator.set_count("salesforce", ORGANIZATION, 2_300, "Contact")

    found = salesforce.query_all("SELECT Id FROM Contact")

    assert found["totalSize"] == len({one["Id"] for one in found["records"]}) == 2_300
    assert found["records"][0]["attributes"]["type"] == "Contact"


def test_what_is_written_is_read_back_and_stands_in_the_oracle(salesforce, oracle):
    made = salesforce.Contact.create({"LastName": "Written"})["id"]

    salesforce.Contact.update(made, {"LastName": "Changed"})

    assert salesforce.Contact.get(made)["LastName"] == "Changed"
    assert oracle("salesforce", ORGANIZATION, "Contact")[made]["LastName"] == "Changed"


def test_every_answer_tells_how_much_was_used(salesforce):
    daily = salesforce.limits()["DailyApiRequests"]

    assert daily["Max"] == 15000
    assert salesforce.api_usage["api-usage"].used == 15000 - daily["Remaining"] == 1


def test_a_refresh_token_stays(session, app):
    first = session.token["refresh_token"]
    fresh = session.refresh_token(f"{LOGIN}/token", **app)

    assert fresh["refresh_token"] == first
    assert Salesforce(instance_url=fresh["instance_url"], session_id=fresh["access_token"]).limits()


def test_a_revoked_token_is_an_expired_session(session, app, salesforce):
    revoke(session, f"{LOGIN}/revoke", session.token["refresh_token"])

    with pytest.raises(SalesforceExpiredSession):
        salesforce.limits()
    with pytest.raises(InvalidGrantError):
        session.refresh_token(f"{LOGIN}/token", **app)


def test_too_many_calls_are_a_refused_request(simulator, salesforce):
    simulator.act("salesforce", ORGANIZATION, "throttle")

    with pytest.raises(SalesforceRefusedRequest, match="REQUEST_LIMIT_EXCEEDED"):
        salesforce.limits()
