"""The simulated GitHub's endpoints for user tokens and installation tokens."""

from django.http import HttpRequest, HttpResponse

from sequin_admin.simulator import faults
from sequin_admin.simulator.calls import state_of
from sequin_admin.simulator.framework import SimulatedResponse
from sequin_admin.simulator.limits import count_call
from sequin_admin.simulator.models import SimulatedToken
from sequin_admin.simulator.providers.github.common import (
    API,
    LIMIT,
    REPOSITORIES,
    WINDOW_S,
    api_error,
    installation_json,
    limit_headers,
    paginate,
    provider,
    require_user_agent,
    token_of,
)
from sequin_admin.simulator.providers.github.repositories import repository_json

# The organizations of a user who belongs to many, all with the app installed.
OTHERS = 230


def caller(request: HttpRequest, *, user: bool) -> SimulatedToken:
    """The user's or the installation's token; counts the call. Raises `SimulatedResponse`."""
    require_user_agent(request)
    token = SimulatedToken.find_access("github", token_of(request))
    if token is None or bool(token.data.get("user")) != user:
        raise SimulatedResponse(api_error(401, "Bad credentials"))
    account = token.grant.account
    faults.apply_faults(request, provider, account)
    if account.has("suspend") and not user:
        raise SimulatedResponse(api_error(403, "This installation has been suspended"))
    left = count_call(provider, account.external_id, allowed=LIMIT, seconds=WINDOW_S)
    state_of(request).response_headers = limit_headers(left)
    return token


@provider.route("GET", API, r"/user/installations")
def user_installations(request: HttpRequest) -> HttpResponse:
    """Only the user's own installations: this reveals a forged installation id."""
    token = caller(request, user=True)
    mine = installation_json(token.grant.account, token.grant.client)
    others = range(1, OTHERS + 1) if token.grant.account.has("many_installations") else ()
    return paginate(request, [*({**mine, "id": n} for n in others), mine], "installations")


@provider.route("GET", API, r"/installation/repositories")
def repositories(request: HttpRequest) -> HttpResponse:
    token = caller(request, user=False)
    if token.grant.account.has("drop_scope"):
        return api_error(403, "Resource not accessible by integration")
    rows = [repository_json(token.grant.account, name) for name in REPOSITORIES]
    return paginate(request, rows, "repositories")


@provider.route("DELETE", API, r"/installation/token")
def revoke_token(request: HttpRequest) -> HttpResponse:
    caller(request, user=False).spend()
    return HttpResponse(status=204)
