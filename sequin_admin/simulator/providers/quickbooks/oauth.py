"""The simulated QuickBooks' authorization server, and its discovery document."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults
from sequin_admin.simulator.models import (
    SimulatedAccount,
    SimulatedClient,
    SimulatedGrant,
    SimulatedToken,
    now,
)
from sequin_admin.simulator.oauth import AuthorizationServer, flat_error, parse_json
from sequin_admin.simulator.providers.quickbooks.common import provider, with_request_id

DISCOVERY = r"openid_(?P<sandbox>sandbox_)?configuration"
DAY = timedelta(days=1)
REFRESH_LIFE_S = 8_640_000  # 100 days
GRANT_LIFE = timedelta(days=5 * 365)


def oauth_error(error: str, description: str, status: int) -> HttpResponse:
    return with_request_id(flat_error(error, description, status))


class QuickBooksSimulator(AuthorizationServer):
    """Names the realm in the callback, and replaces the refresh token once a day."""

    def invalid_request(self, query: Mapping[str, str]) -> str:
        if not query.get("state") or not query.get("scope"):
            return "state and scope are required"
        return super().invalid_request(query)

    def callback_params(self, account: SimulatedAccount) -> dict[str, str]:
        return {"realmId": account.external_id}

    def issue(self, grant: SimulatedGrant, use: str) -> SimulatedToken:
        """`born` of a refresh token decides when it is replaced by the next one."""
        if use == SimulatedToken.ACCESS:
            return super().issue(grant, use)
        born = now().isoformat()
        return SimulatedToken.issue(grant, use, "AB1", REFRESH_LIFE_S, born=born)

    def refresh_grant(
        self, request: HttpRequest, client: SimulatedClient, value: str
    ) -> HttpResponse:
        """The first refresh after a day issues the next token; the old one is valid for a day."""
        token = self.find_token(client, SimulatedToken.REFRESH, value)
        if token is None or not token.is_valid() or token.grant.created_at + GRANT_LIFE < now():
            return self.error("invalid_grant", "Incorrect or invalid refresh token", 400)
        faults.apply_faults(request, provider, token.grant.account)
        newest = token.grant.tokens.filter(use=SimulatedToken.REFRESH).order_by("-pk")[0]
        if datetime.fromisoformat(newest.data["born"]) + DAY < now():
            newest.expires_at = min(now() + DAY, newest.expires_at or now())
            newest.save(update_fields=["expires_at"])
            newest = self.issue(token.grant, SimulatedToken.REFRESH)
        else:
            # Use extends the lifetime of a token.
            newest.expires_at = now() + timedelta(seconds=REFRESH_LIFE_S)
            newest.save(update_fields=["expires_at"])
        return self.token_response(request, token.grant, new_refresh_token=False, source=newest)

    def token_response(
        self,
        request: HttpRequest,
        grant: SimulatedGrant,
        *,
        new_refresh_token: bool,
        source: SimulatedToken | None = None,
    ) -> HttpResponse:
        response = super().token_response(
            request, grant, new_refresh_token=new_refresh_token, source=source
        )
        body: dict[str, Any] = json.loads(response.content)
        body["x_refresh_token_expires_in"] = REFRESH_LIFE_S
        if request.headers.get("x-include-refresh-token-hard-expires-in") == "true":
            ends = grant.created_at + GRANT_LIFE - now()
            body["x_refresh_token_hard_expires_in"] = int(ends.total_seconds())
        response.content = json.dumps(body).encode()
        return with_request_id(response)

    def extra_fields(self, grant: SimulatedGrant) -> dict[str, Any]:
        """The response has no `scope`."""
        return {}


server = QuickBooksSimulator(
    provider,
    client_auth="basic",
    pkce="none",
    refresh_prefix="AB1",
    client_error_status=401,
    error=oauth_error,
)


@provider.route("GET", r"developer\.intuit\.com", rf"/\.well-known/{DISCOVERY}/?")
def discovery(request: HttpRequest, sandbox: str | None) -> HttpResponse:
    """Provider metadata (OpenID Connect Discovery 1.0 section 3)."""
    platform = "https://oauth.platform.intuit.com"
    users = f"{'sandbox-' if sandbox else ''}accounts.platform.intuit.com"
    return JsonResponse(
        {
            "issuer": f"{platform}/op/v1",
            "authorization_endpoint": "https://appcenter.intuit.com/connect/oauth2",
            "token_endpoint": f"{platform}/oauth2/v1/tokens/bearer",
            "userinfo_endpoint": f"https://{users}/v1/openid_connect/userinfo",
            "revocation_endpoint": "https://developer.api.intuit.com/v2/oauth2/tokens/revoke",
            "jwks_uri": f"{platform}/op/v1/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile", "address", "phone"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "claims_supported": ["aud", "exp", "iat", "iss", "realmid", "sub"],
        }
    )


@provider.route("GET POST", r"appcenter\.intuit\.com", r"/connect/oauth2")
def authorize(request: HttpRequest) -> HttpResponse:
    return server.authorize(request)


@provider.route("POST", r"oauth\.platform\.intuit\.com", r"/oauth2/v1/tokens/bearer")
def token(request: HttpRequest) -> HttpResponse:
    return server.token(request)


@provider.route("POST", r"developer\.api\.intuit\.com", r"/v2/oauth2/tokens/revoke")
def revoke(request: HttpRequest) -> HttpResponse:
    """Takes JSON with an access or a refresh token."""
    client = server.authenticate_client(request, {})
    if request.content_type != "application/json":
        return server.error("invalid_request", "The body must be JSON", 400)
    value = parse_json(request).get("token", "")
    row = SimulatedToken.objects.filter(value=str(value), grant__client=client).first()
    if row is None:
        return server.error("invalid_grant", "The token is unknown", 400)
    row.grant.revoke()
    return HttpResponse(status=200)
