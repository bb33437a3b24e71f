"""The simulated Linear's authorization server: tokens rotate with a grace period."""

import json
from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse

from sequin_admin.simulator.framework import bearer_token
from sequin_admin.simulator.models import SimulatedGrant, SimulatedToken
from sequin_admin.simulator.oauth import AuthorizationServer
from sequin_admin.simulator.providers.linear.common import API, provider
from sequin_admin.simulator.rows.collection import Fields

LEGACY_LIFE_S = 315_360_000


class LinearSimulator(AuthorizationServer):
    """Always grants `read`, as Linear does."""

    def requested_scopes(self, query: Mapping[str, str]) -> list[str]:
        """`read` is always included."""
        asked = [s for s in query.get("scope", "").split(",") if s]
        return asked if "read" in asked else ["read", *asked]

    def issue(self, grant: SimulatedGrant, use: str) -> SimulatedToken:
        if use == SimulatedToken.ACCESS and grant.account.has("legacy_app"):
            return SimulatedToken.issue(grant, use, self.access_prefix, LEGACY_LIFE_S)
        return super().issue(grant, use)

    def token_response(
        self,
        request: HttpRequest,
        grant: SimulatedGrant,
        *,
        new_refresh_token: bool,
        source: SimulatedToken | None = None,
    ) -> HttpResponse:
        """To an app from before October 2025, until 1 April 2026, a token for ten years alone."""
        response = super().token_response(
            request, grant, new_refresh_token=new_refresh_token, source=source
        )
        if source is None and grant.account.has("legacy_app"):
            body = json.loads(response.content)
            SimulatedToken.objects.filter(value=body.pop("refresh_token")).delete()
            response.content = json.dumps({**body, "expires_in": LEGACY_LIFE_S}).encode()
        return response

    def extra_fields(self, grant: SimulatedGrant) -> Fields:
        """Scopes are comma-separated in the request and space-separated in the response."""
        return {"scope": " ".join(grant.scopes), "token_type": "Bearer"}


server = LinearSimulator(
    provider,
    scope_separator=",",
    access_prefix="lin_oauth_",
    access_life_s=86_399,
    rotation="grace",
    grace_s=1800,
    client_error_status=401,
)


@provider.route("GET POST", r"linear\.app", r"/oauth/authorize")
def authorize(request: HttpRequest) -> HttpResponse:
    return server.authorize(request)


@provider.route("POST", API, r"/oauth/token")
def token(request: HttpRequest) -> HttpResponse:
    return server.token(request)


@provider.route("POST", API, r"/oauth/revoke")
def revoke(request: HttpRequest) -> HttpResponse:
    """Status: 200 revoked, 400 already revoked, 401 unknown token."""
    row = SimulatedToken.objects.filter(
        value=request.POST.get("token") or bearer_token(request), grant__client__provider="linear"
    ).first()
    if row is None:
        return server.error("invalid_token", "The token is unknown", 401)
    if row.grant.revoked:
        return server.error("invalid_request", "The token was revoked before", 400)
    row.grant.revoke()
    return HttpResponse(status=200)
