"""ServiceNow's own SDK (pysnc) against the simulated ServiceNow."""

import pytest
from pysnc import ServiceNowClient, ServiceNowClientCredentialsFlow
from pysnc.exceptions import AuthenticationException, RequestException, RoleException
from requests_oauthlib import OAuth2Session

from tests.sdks.oauth import revoke

INSTANCE = "arrakis"
HOST = f"https://{INSTANCE}.service-now.com"
pytestmark = pytest.mark.faults


@pytest.fixture
def app(simulator):
    known = simulator.app("servicenow", INSTANCE)
    return {name: known[name] for name in ("client_id", "client_secret")}


@pytest.fixture
def client(app):
    flow = ServiceNowClientCredentialsFlow(**app)
    return ServiceNowClient(INSTANCE, flow, auto_retry=False)


@pytest.fixture
def session(simulator, app, consent):
    """The session of a new connection."""
    uri = simulator.app("servicenow", INSTANCE)["redirect_uris"][0]
    session = OAuth2Session(app["client_id"], redirect_uri=uri)
    url, _ = session.authorization_url(f"{HOST}/oauth_auth.do")
    code, secret = consent(url, INSTANCE)["code"], app["client_secret"]
    asked = {"include_client_id": True, "client_secret": secret}
    session.fetch_token(f"{HOST}/oauth_token.do", code=code, **asked)
    return session


def incidents(client, **options):
    record = client.GlideRecord("incident", **options)
    record.query()
    return record


def test_pages_follow_one_another(client):
    numbers = [one.get_value("number") for one in incidents(client, batch_size=3)]

    assert numbers == ["INC0000001", "INC0000002", "INC0000003", "INC0000004"]


def test_a_field_has_a_value_and_a_form_for_people(client):
    record = incidents(client)
    record.next()

    assert (record.get_value("state"), record.get_display_value("state")) == ("1", "New")


def test_a_person_who_connected_is_known(client, session):
    record = ServiceNowClient(INSTANCE, session, auto_retry=False).GlideRecord("sys_user")
    record.fields = ["user_name", "email"]
    record.query()

    assert record.next()
    assert record.get_value("email") == "sync@arrakis.io"


def test_a_refresh_token_stays_until_it_is_revoked(session, app):
    first = session.token["refresh_token"]
    assert session.refresh_token(f"{HOST}/oauth_token.do", **app)["refresh_token"] == first

    revoke(session, f"{HOST}/oauth_revoke_token.do", first)

    with pytest.raises(AuthenticationException):
        incidents(ServiceNowClient(INSTANCE, session, auto_retry=False))


def test_a_wrong_secret_is_refused(app):
    flow = ServiceNowClientCredentialsFlow(app["client_id"], "wrong")

    with pytest.raises(AuthenticationException, match="401"):
        ServiceNowClient(INSTANCE, flow)


def test_a_disabled_user_is_not_authenticated(simulator, client):
    simulator.act("servicenow", INSTANCE, "disable_user")

    with pytest.raises(AuthenticationException, match="User Not Authenticated"):
        incidents(client)


def test_a_table_may_be_hidden_by_a_role(simulator, client):
    simulator.act("servicenow", INSTANCE, "hide_users")

    with pytest.raises(RoleException):
        client.GlideRecord("sys_user").query()


def test_too_many_calls_are_refused(simulator, client):
    simulator.act("servicenow", INSTANCE, "throttle")

    with pytest.raises(RequestException, match="Rate limit exceeded"):
        incidents(client)
