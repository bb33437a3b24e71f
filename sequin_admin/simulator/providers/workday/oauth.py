"""The simulated Workday's authorization server, with clients of each tenant's own."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse

from sequin_admin.simulator.models import SimulatedClient, SimulatedGrant, SimulatedToken
from sequin_admin.simulator.oauth import AuthorizationServer, select_tenant
from sequin_admin.simulator.providers.workday.common import HOST, LOGIN_HOST, TENANT, provider


class WorkdaySimulator(AuthorizationServer):
    """Refresh tokens are constant unless the tenant's switch for rotation is on."""

    def refresh_grant(
        self, request: HttpRequest, client: SimulatedClient, value: str
    ) -> HttpResponse:
        """Refresh tokens are constant unless the tenant's switch for rotation is on."""
        token = self.find_token(client, SimulatedToken.REFRESH, value)
        rotates = token and token.is_valid() and token.grant.account.has("rotate_refresh_token")
        if not token or not rotates:
            return super().refresh_grant(request, client, value)
        token.spend()
        return self.token_response(request, token.grant, new_refresh_token=True, source=token)

    def token_response(
        self,
        request: HttpRequest,
        grant: SimulatedGrant,
        *,
        new_refresh_token: bool,
        **options: Any,
    ) -> HttpResponse:
        """By tenant: the first repeats no refresh token, the second has no `expires_in`."""
        options = {"new_refresh_token": new_refresh_token, **options}
        response = super().token_response(request, grant, **options)
        body: dict[str, Any] = json.loads(response.content)
        if grant.account.external_id != "arrakis_dpt1":
            del body["expires_in"]
        elif not new_refresh_token:
            del body["refresh_token"]
        response.content = json.dumps(body).encode()
        return response

    def extra_fields(self, grant: SimulatedGrant) -> dict[str, Any]:
        return {"token_type": "Bearer"}


server = WorkdaySimulator(
    provider, client_auth="basic", pkce="none", client_error_status=401, client_credentials=True
)


@provider.route("GET POST", LOGIN_HOST, rf"/{TENANT}/authorize")
def authorize(request: HttpRequest, tenant: str) -> HttpResponse:
    select_tenant(request, provider, tenant)
    return server.authorize(request)


@provider.route("POST", HOST, rf"/ccx/oauth2/{TENANT}/token")
def token(request: HttpRequest, tenant: str) -> HttpResponse:
    select_tenant(request, provider, tenant)
    return server.token(request)
