"""The simulated QuickBooks' authorization server, and where it says that everything is."""

import json
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
from sequin_admin.simulator.oauth import AuthorizationServer, flat_error
from sequin_admin.simulator.providers.quickbooks.common import provider, traced

DISCOVERY = r"openid_(?P<sandbox>sandbox_)?configuration"
DAY = timedelta(days=1)
REFRESH_LIFE_S = 8_726_400  # 101 days
GRANT_LIFE = timedelta(days=5 * 365)


def oauth_error(error: str, description: str, status: int) -> HttpResponse:
    return traced(flat_error(error, description, status))


class QuickBooksSimulator(AuthorizationServer):
    def request_mistake(self, query: Any) -> str:
        if not query.get("state") or not query.get("scope"):
            return "state and scope are required"
        return super().request_mistake(query)

    def returned(self, account: SimulatedAccount) -> dict[str, str]:
        return {"realmId": account.external_id}

    def issue(self, grant: SimulatedGrant, use: str) -> SimulatedToken:
        """A refresh token remembers its first day, by which it is exchanged for the next one."""
        if use == SimulatedToken.ACCESS:
            return super().issue(grant, use)
        born = now().isoformat()
        return SimulatedToken.issue(grant, use, "AB1", REFRESH_LIFE_S, born=born)

    def renew(self, request: HttpRequest, client: SimulatedClient, value: str) -> HttpResponse:
        """The first refresh after a day brings the next value; the one before lives a day more."""
        token = self.lookup(client, SimulatedToken.REFRESH, value)
        if token is None or not token.alive() or token.grant.created_at + GRANT_LIFE < now():
            return self.error("invalid_grant", "Incorrect or invalid refresh token", 400)
        faults.strike(request, provider, token.grant.account)
        newest = token.grant.tokens.filter(use=SimulatedToken.REFRESH).order_by("-pk")[0]
        if datetime.fromisoformat(newest.data["born"]) + DAY < now():
            newest.expires_at = min(now() + DAY, newest.expires_at or now())
            newest.save(update_fields=["expires_at"])
            newest = self.issue(token.grant, SimulatedToken.REFRESH)
        else:
            # Using a token puts off its end by idleness.
            newest.expires_at = now() + timedelta(seconds=REFRESH_LIFE_S)
            newest.save(update_fields=["expires_at"])
        return self.answer(request, token.grant, fresh=False, kept=newest)

    def answer(
        self,
        request: HttpRequest,
        grant: SimulatedGrant,
        *,
        fresh: bool,
        kept: SimulatedToken | None = None,
    ) -> HttpResponse:
        response = super().answer(request, grant, fresh=fresh, kept=kept)
        body: dict[str, Any] = json.loads(response.content)
        body["x_refresh_token_expires_in"] = REFRESH_LIFE_S
        if request.headers.get("x-include-refresh-token-hard-expires-in") == "true":
            ends = grant.created_at + GRANT_LIFE - now()
            body["x_refresh_token_hard_expires_in"] = int(ends.total_seconds())
        response.content = json.dumps(body).encode()
        return traced(response)

    def more(self, grant: SimulatedGrant) -> dict[str, Any]:
        """Scopes are not repeated."""
        return {}


server = QuickBooksSimulator(
    provider,
    client_auth="basic",
    pkce="none",
    refresh_prefix="AB1",
    client_status=401,
    error=oauth_error,
)


@provider.route("GET", r"developer\.intuit\.com", rf"/\.well-known/{DISCOVERY}/?")
def discovery(request: HttpRequest, sandbox: str | None) -> HttpResponse:
    """Where everything is (OpenID Connect Discovery 1.0 section 3)."""
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
    """Takes JSON, and either of the two tokens."""
    client = server.client_of(request, {})
    if request.content_type != "application/json":
        return server.error("invalid_request", "The body must be JSON", 400)
    value = json.loads(request.body).get("token", "")
    row = SimulatedToken.objects.filter(value=value, grant__client=client).first()
    if row is None:
        return server.error("invalid_grant", "The token is unknown", 400)
    row.grant.revoke()
    return HttpResponse(status=200)
