"""Auth0's own SDK (auth0-python) against the simulated Auth0."""

import httpx
import pytest
from auth0.authentication import GetToken
from auth0.authentication.exceptions import Auth0Error, RateLimitError
from auth0.authentication.rest import RestClientOptions
from auth0.management import ManagementClient
from auth0.management.core import RequestOptions
from auth0.management.errors import ForbiddenError, TooManyRequestsError, UnauthorizedError

DOMAIN = "arrakis.us.auth0.com"
AUDIENCE = f"https://{DOMAIN}/api/v2/"
AT_ONCE: RequestOptions = {"max_retries": 0}
pytestmark = pytest.mark.faults


@pytest.fixture
def login(simulator):
    app = simulator.app("auth0", DOMAIN)
    return {name: app[name] for name in ("client_id", "client_secret")}


@pytest.fixture
def management(login):
    with httpx.Client() as http:
        yield ManagementClient(domain=DOMAIN, httpx_client=http, **login)


def test_a_client_gets_a_token_for_itself(login):
    token = GetToken(DOMAIN, **login).client_credentials(AUDIENCE)

    assert (token["token_type"], token["expires_in"]) == ("Bearer", 86_400)
    assert "read:users" in token["scope"].split()


def test_a_token_opens_the_tenant(login, management):
    assert management.tenants.settings.get().friendly_name == "Arrakis"
    assert management.clients.get(login["client_id"]).name == "Sequin"


def test_pages_follow_one_another(management):
    page = management.users.list(per_page=2)

    assert (len(page.items), page.has_next, page.response.total) == (2, True, 5)
    assert len({user.user_id for user in page}) == 5


def test_a_wrong_secret_is_refused(login):
    with pytest.raises(Auth0Error) as refusal:
        GetToken(DOMAIN, login["client_id"], client_secret="wrong").client_credentials(AUDIENCE)

    assert (refusal.value.status_code, refusal.value.error_code) == (401, "access_denied")


def test_an_app_without_authorization_is_refused(simulator, login):
    simulator.act("auth0", DOMAIN, "unauthorize")

    with pytest.raises(Auth0Error, match="not authorized") as refusal:
        GetToken(DOMAIN, **login).client_credentials(AUDIENCE)
    assert refusal.value.status_code == 403


def test_an_expired_token_is_unauthorized(simulator, management):
    assert management.tenants.settings.get()

    simulator.act("auth0", DOMAIN, "expire")

    with pytest.raises(UnauthorizedError):
        management.tenants.settings.get()


def test_a_missing_scope_is_forbidden(simulator, management):
    simulator.act("auth0", DOMAIN, "drop_scope")

    with pytest.raises(ForbiddenError) as refusal:
        management.tenants.settings.get()
    assert refusal.value.body["errorCode"] == "insufficient_scope"


def test_too_many_calls_are_a_too_many_requests_error(simulator, management):
    assert management.tenants.settings.get()

    simulator.act("auth0", DOMAIN, "throttle")

    with pytest.raises(TooManyRequestsError) as refusal:
        management.tenants.settings.get(request_options=AT_ONCE)
    assert refusal.value.headers["x-ratelimit-remaining"] == "0"


def test_too_many_token_calls_are_a_rate_limit_error(simulator, login):
    simulator.act("auth0", DOMAIN, "throttle")
    client = GetToken(DOMAIN, **login)
    client.client.options = RestClientOptions(retries=0)

    with pytest.raises(RateLimitError) as refusal:
        client.client_credentials(AUDIENCE)
    assert refusal.value.reset_at > 0
