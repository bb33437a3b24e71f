"""requests-oauthlib, with its signatures of OAuth 1.0a and its tokens, against NetSuite.

NetSuite has no SDK of its own for Python.
"""

import pytest
from oauthlib.oauth2 import InvalidGrantError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth1Session, OAuth2Session

from tests.sdks.oauth import revoke

ACCOUNT, LABEL = "1234567_SB1", "1234567-sb1"
REST = f"https://{LABEL}.suitetalk.api.netsuite.com/services/rest"
TOKEN_URL = f"{REST}/auth/oauth2/v1/token"
CUSTOMERS = f"{REST}/record/v1/customer"
pytestmark = pytest.mark.faults


@pytest.fixture
def app(simulator):
    return simulator.app("netsuite", ACCOUNT)


def sign(app, **changes):
    """A session that signs whatever it sends; `changes` spoil its keys."""
    names = ("consumer_key", "consumer_secret", "token_id", "token_secret")
    keys = {**{name: app[name] for name in names}, **changes}
    return OAuth1Session(
        keys["consumer_key"],
        client_secret=keys["consumer_secret"],
        resource_owner_key=keys["token_id"],
        resource_owner_secret=keys["token_secret"],
        signature_method="HMAC-SHA256",
        realm=ACCOUNT,
    )


@pytest.fixture
def login(app):
    return HTTPBasicAuth(app["client_id"], app["client_secret"])


@pytest.fixture
def session(app, login, consent):
    """The session of a new connection."""
    uri, scope = app["redirect_uris"][0], ["rest_webservices"]
    session = OAuth2Session(app["client_id"], redirect_uri=uri, scope=scope, pkce="S256")
    url, _ = session.authorization_url(
        f"https://{LABEL}.app.netsuite.com/app/login/oauth2/authorize.nl"
    )
    session.fetch_token(TOKEN_URL, code=consent(url, ACCOUNT)["code"], auth=login)
    return session


def error_of(answer):
    return answer.json()["o:errorDetails"][0]["o:errorCode"]


def test_a_signed_call_reads_page_after_page(simulator, app):
    simulator.set_count("netsuite", ACCOUNT, 5)
    session = sign(app)

    pages = [session.get(CUSTOMERS, params={"limit": 3, "offset": n}).json() for n in (0, 3)]

    assert [[one["id"] for one in page["items"]] for page in pages] == [["1", "2", "3"], ["4", "5"]]
    assert [page["hasMore"] for page in pages] == [True, False]


def test_what_is_written_is_read_back_and_stands_in_the_oracle(app, oracle):
    session = sign(app)
    made = session.post(CUSTOMERS, json={"companyName": "Written"}).headers["Location"]

    session.patch(made, json={"companyName": "Changed"}).raise_for_status()

    assert session.get(made).json()["companyname"] == "Changed"
    stored = oracle("netsuite", ACCOUNT, "customer")[made.rsplit("/", 1)[1]]
    assert stored["companyname"] == "Changed"


def test_a_signed_call_tells_who_it_is(app):
    url = f"https://{LABEL}.restlets.api.netsuite.com/rest/tokeninfo"

    assert sign(app).get(url).json()["companyName"] == "Arrakis [sandbox]"


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("consumer_key", "consumer_key_unknown"),
        ("token_id", "token_rejected"),
        ("token_secret", "signature_invalid"),
    ],
)
def test_a_wrong_key_is_refused_by_name(app, key, fault):
    answer = sign(app, **{key: "wrong"}).get(CUSTOMERS)

    assert (answer.status_code, error_of(answer)) == (401, "INVALID_LOGIN_ATTEMPT")
    assert f'error="{fault}"' in answer.headers["WWW-Authenticate"]


def test_a_revoked_signature_is_refused(simulator, app):
    simulator.act("netsuite", ACCOUNT, "revoke_token")

    assert 'error="token_revoked"' in sign(app).get(CUSTOMERS).headers["WWW-Authenticate"]


def test_too_many_calls_are_refused(simulator, app):
    simulator.act("netsuite", ACCOUNT, "throttle")

    answer = sign(app).get(CUSTOMERS)

    assert (answer.status_code, error_of(answer)) == (429, "CONCURRENCY_LIMIT_EXCEEDED")


def test_a_code_becomes_a_token_that_reads_and_can_be_refreshed(session, login):
    assert session.get(CUSTOMERS).json()["totalResults"] == 2400

    first = session.token["access_token"]
    session.refresh_token(TOKEN_URL, auth=login)

    assert session.token["access_token"] != first
    assert session.get(CUSTOMERS).status_code == 200


def test_a_revoked_token_is_an_invalid_grant(session, login):
    revoke(session, f"{REST}/auth/oauth2/v1/revoke", session.token["refresh_token"], auth=login)

    with pytest.raises(InvalidGrantError):
        session.refresh_token(TOKEN_URL, auth=login)
    assert error_of(session.get(CUSTOMERS)) == "INVALID_LOGIN"
