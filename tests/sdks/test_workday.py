"""zeep, the best known SOAP client, and requests-oauthlib against the simulated Workday.

Workday has no SDK of its own for Python.
"""

from pathlib import Path

import pytest
import zeep
from oauthlib.oauth2 import InvalidClientError, InvalidGrantError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session
from zeep.wsse.username import UsernameToken

TENANT, HOST = "arrakis_dpt1", "https://wd2-impl-services1.workday.com"
TOKEN_URL = f"{HOST}/ccx/oauth2/{TENANT}/token"
WORKERS = f"{HOST}/ccx/api/v1/{TENANT}/workers"
WSDL = str(Path(__file__).parent / "workday.wsdl")
pytestmark = pytest.mark.faults


@pytest.fixture
def service(simulator):
    """Workday's web service for the tenant's integration user."""
    account = simulator.account("workday", TENANT)
    wsse = UsernameToken(account["username"], account["password"])
    return zeep.Client(WSDL, wsse=wsse).service


@pytest.fixture
def app(simulator):
    return simulator.app("workday", TENANT)


@pytest.fixture
def login(app):
    return HTTPBasicAuth(app["client_id"], app["client_secret"])


@pytest.fixture
def session(app, login):
    """An API client with its refresh token."""
    session = OAuth2Session(app["client_id"])
    session.refresh_token(TOKEN_URL, refresh_token=app["refresh_token"], auth=login)
    return session


def test_workers_are_counted_over_soap(service):
    answer = service.Get_Workers(version="v45.0")

    assert (answer.Response_Results.Total_Results, answer.version) == (5, "v45.0")


def test_a_changed_password_is_a_fault(simulator, service):
    simulator.act("workday", TENANT, "change_password")

    with pytest.raises(zeep.exceptions.Fault, match="invalid username or password") as fault:
        service.Get_Workers()
    assert fault.value.code == "SOAP-ENV:Client.authenticationError"


def test_a_missing_right_is_a_fault(simulator, service):
    simulator.act("workday", TENANT, "drop_scope")

    with pytest.raises(zeep.exceptions.Fault, match="not authorized"):
        service.Get_Workers()


def test_too_many_soap_calls_are_a_fault(simulator, service):
    simulator.act("workday", TENANT, "throttle")

    with pytest.raises(zeep.exceptions.Fault, match="Try again later"):
        service.Get_Workers()


def test_workers_are_read_to_the_last_page(session):
    pages = [session.get(WORKERS, params={"limit": 2, "offset": n}).json() for n in (0, 2, 4, 6)]

    assert [len(page["data"]) for page in pages] == [2, 2, 1, 0]
    assert len({one["id"] for page in pages for one in page["data"]}) == pages[0]["total"]


def test_a_refresh_token_stays_and_opens_a_page_of_workers(session, app, login):
    page = session.get(WORKERS, params={"limit": 2}).json()
    again = session.refresh_token(TOKEN_URL, auth=login)

    assert (page["total"], len(page["data"])) == (5, 2)
    assert again["refresh_token"] == app["refresh_token"]


def test_a_revoked_refresh_token_is_an_invalid_grant(simulator, session, login):
    simulator.act("workday", TENANT, "revoke")

    with pytest.raises(InvalidGrantError):
        session.refresh_token(TOKEN_URL, auth=login)
    assert session.get(WORKERS).status_code == 401


def test_a_rotated_secret_is_an_invalid_client(simulator, session, login):
    simulator.act("workday", TENANT, "rotate_secret")

    with pytest.raises(InvalidClientError):
        session.refresh_token(TOKEN_URL, auth=login)
