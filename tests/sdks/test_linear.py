"""gql, the best known GraphQL client, and requests-oauthlib against the simulated Linear.

Linear's own SDK is for JavaScript.
"""

import pytest
from gql import Client, GraphQLRequest, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.requests import RequestsHTTPTransport
from oauthlib.oauth2 import InvalidGrantError
from requests_oauthlib import OAuth2Session

from tests.sdks.oauth import revoke

WORKSPACE = "abc123"
API = "https://api.linear.app"
WHOAMI = gql("query { viewer { id name email } organization { id name urlKey } }")
pytestmark = pytest.mark.faults


@pytest.fixture
def app(simulator):
    known = simulator.app("linear")
    return {name: known[name] for name in ("client_id", "client_secret")}


@pytest.fixture
def session(simulator, app, consent, monkeypatch):
    """The session of a new connection. Linear takes scopes with commas and returns them with
    spaces, which oauthlib must be configured to accept."""
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")
    uri = simulator.app("linear")["redirect_uris"][0]
    session = OAuth2Session(app["client_id"], redirect_uri=uri, scope="read,write", pkce="S256")
    url, _ = session.authorization_url("https://linear.app/oauth/authorize")
    code, secret = consent(url, WORKSPACE)["code"], app["client_secret"]
    asked = {"include_client_id": True, "client_secret": secret}
    session.fetch_token(f"{API}/oauth/token", code=code, **asked)
    return session


@pytest.fixture
def client(session):
    bearer = {"Authorization": f"Bearer {session.token['access_token']}"}
    return Client(transport=RequestsHTTPTransport(f"{API}/graphql", headers=bearer))


def code_of(refusal):
    return refusal.value.errors[0]["extensions"]["code"]


def test_a_token_tells_whose_it_is(session, client):
    known = client.execute(WHOAMI)

    assert session.token["scope"] == ["read", "write"]
    assert known["viewer"]["name"] == "Paul Atreides"
    assert known["organization"] == {"id": WORKSPACE, "name": "Arrakis Inc.", "urlKey": "arrakis"}


def test_issues_are_read_to_the_last_page(simulator, client):
    simulator.set_count("linear", WORKSPACE, 60, "issues")
    query = (
        "query($after: String) { issues(after: $after) { nodes { id title } "
        "pageInfo { hasNextPage endCursor } } }"
    )

    first = client.execute(gql(query))["issues"]
    after = {"after": first["pageInfo"]["endCursor"]}
    request = GraphQLRequest(query, variable_values=after)
    last = client.execute(request)["issues"]

    assert (len(first["nodes"]), len(last["nodes"])) == (50, 10)
    assert last["pageInfo"]["hasNextPage"] is False


def test_what_is_written_is_read_back_and_stands_in_the_oracle(client, oracle):
    def run(query, **values):
        return client.execute(GraphQLRequest(query, variable_values=values))

    team = run("{ teams { nodes { id } } }")["teams"]["nodes"][0]["id"]
    create = "mutation($i: IssueCreateInput!) { issueCreate(input: $i) { issue { id } } }"
    made = run(create, i={"teamId": team, "title": "Written"})["issueCreate"]["issue"]["id"]

    read = run("query($id: String!) { issue(id: $id) { title } }", id=made)

    assert read["issue"]["title"] == "Written"
    assert oracle("linear", WORKSPACE, "issues")[made]["title"] == "Written"


def test_a_refresh_token_is_replaced_and_can_be_replayed(session, app):
    first = session.token["refresh_token"]
    second = session.refresh_token(f"{API}/oauth/token", **app)
    replayed = session.refresh_token(f"{API}/oauth/token", refresh_token=first, **app)

    assert second["refresh_token"] != first
    assert replayed["access_token"] == second["access_token"]


def test_a_revoked_token_is_an_authentication_error(session, app, client):
    revoke(session, f"{API}/oauth/revoke", session.token["access_token"])

    with pytest.raises(TransportQueryError) as refusal:
        client.execute(WHOAMI)
    assert code_of(refusal) == "AUTHENTICATION_ERROR"
    with pytest.raises(InvalidGrantError):
        session.refresh_token(f"{API}/oauth/token", **app)


def test_too_many_calls_are_told_by_their_code(simulator, client):
    simulator.act("linear", WORKSPACE, "throttle")

    with pytest.raises(TransportQueryError) as refusal:
        client.execute(WHOAMI)
    assert code_of(refusal) == "RATELIMITED"
