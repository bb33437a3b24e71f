"""The simulated ServiceNow's authorization server."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from sequin_admin.simulator.framework import SimulatedResponse
from sequin_admin.simulator.models import (
    SimulatedAccount,
    SimulatedClient,
    SimulatedGrant,
    SimulatedToken,
)
from sequin_admin.simulator.oauth import AuthorizationServer, flat_error
from sequin_admin.simulator.providers.servicenow.common import (
    HOST,
    SCOPE,
    provider,
    select_instance,
)


def denied() -> HttpResponse:
    return flat_error("server_error", "access_denied", 401)


class ServiceNowSimulator(AuthorizationServer):
    """Refuses JSON bodies as ServiceNow does, with a misleading error."""

    def requested_scopes(self, query: object) -> list[str]:
        return [SCOPE]

    def extra_fields(self, grant: SimulatedGrant) -> dict[str, Any]:
        return {"scope": SCOPE, "token_type": "Bearer"}

    def authenticate_client(self, request: HttpRequest, fields: object) -> SimulatedClient:
        """A JSON body is refused with a misleading error."""
        if request.content_type == "application/json":
            raise SimulatedResponse(denied())
        return super().authenticate_client(request, request.POST.dict())

    def check_account(self, account: SimulatedAccount) -> None:
        """Raises `SimulatedResponse` when the account takes no client credentials or its user is
        off."""
        if account.has("disable_client_credentials") or account.has("disable_user"):
            raise SimulatedResponse(denied())

    def refresh_grant(
        self, request: HttpRequest, client: SimulatedClient, value: str
    ) -> HttpResponse:
        token = self.find_token(client, SimulatedToken.REFRESH, value)
        if token and token.grant.account.has("disable_user"):
            return denied()
        return super().refresh_grant(request, client, value)


server = ServiceNowSimulator(
    provider,
    pkce="none",
    access_life_s=1800,
    refresh_life_s=8_640_000,
    client_error_status=401,
    client_credentials=True,
    reuses_access_token=True,
)


@provider.route("GET POST", HOST, r"/oauth_auth\.do")
def authorize(request: HttpRequest, instance: str) -> HttpResponse:
    select_instance(request, instance)
    return server.authorize(request)


@provider.route("POST", HOST, r"/oauth_token\.do")
def token(request: HttpRequest, instance: str) -> HttpResponse:
    select_instance(request, instance)
    return server.token(request)


@provider.route("GET POST", HOST, r"/oauth_revoke_token\.do")
def revoke(request: HttpRequest, instance: str) -> HttpResponse:
    """Needs no client authentication: the token itself suffices."""
    account = select_instance(request, instance)
    value = request.POST.get("token") or request.GET.get("token", "")
    row = SimulatedToken.objects.filter(value=value, grant__account=account).first()
    if row:
        row.grant.revoke()
    return HttpResponse(status=200)
