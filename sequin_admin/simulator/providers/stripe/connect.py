"""The simulated Stripe's authorization server: Connect with standard accounts."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator.framework import SimulatedResponse, basic_credentials, bearer_token
from sequin_admin.simulator.models import SimulatedClient, SimulatedGrant, SimulatedToken
from sequin_admin.simulator.oauth import AuthorizationServer
from sequin_admin.simulator.providers.stripe.common import provider

CONNECT = r"connect\.stripe\.com"


class StripeConnectSimulator(AuthorizationServer):
    """The platform authenticates with its secret key: `client_secret`, Bearer or Basic user."""

    owner = ""

    def client_owner(self, request: HttpRequest) -> str:
        """Only the Connect platform, or only the Stripe App (`owner`)."""
        return self.owner

    def authenticate_client(
        self, request: HttpRequest, fields: Mapping[str, str]
    ) -> SimulatedClient:
        """The client whose API key the request bears, in any of three places. Raises
        `SimulatedResponse`."""
        key = fields.get("client_secret") or bearer_token(request) or basic_credentials(request)[0]
        client = SimulatedClient.objects.filter(
            provider="stripe", owner=self.owner, client_secret=key or "none"
        ).first()
        if client is None:
            raise SimulatedResponse(self.error("invalid_client", "No such API key", 401))
        return client

    def request_error(self, query: Mapping[str, str]) -> tuple[str, str]:
        if query.get("response_type") != "code":
            return "unsupported_response_type", "response_type must be code"
        if query.get("scope", "read_only") not in ("read_only", "read_write"):
            return "invalid_scope", "scope must be read_only or read_write"
        return "", ""

    def requested_scopes(self, query: Mapping[str, str]) -> list[str]:
        return [query.get("scope", "read_only")]

    def issue(self, grant: SimulatedGrant, use: str) -> SimulatedToken:
        """Values are a prefix and hex digits; an access token looks like a key of the mode."""
        access = use == SimulatedToken.ACCESS
        prefix = f"sk_{mode(grant.client)}_" if access else self.refresh_prefix
        life_s = self.access_life_s if access else self.refresh_life_s
        return SimulatedToken.issue(
            grant, use, prefix, life_s, value=f"{prefix}{secrets.token_hex(24)}"
        )

    def verify_pkce(self, code: SimulatedToken, fields: Mapping[str, str]) -> bool:
        return True

    def redeem_code(self, client: SimulatedClient, fields: Mapping[str, str]) -> SimulatedGrant:
        """As the base does, but without a redirect URI. Raises `SimulatedResponse`."""
        code = self.find_token(client, SimulatedToken.CODE, fields.get("code", ""))
        if code is None or not code.is_valid() or not code.spend():
            raise SimulatedResponse(
                self.error("invalid_grant", "Authorization code does not exist", 400)
            )
        return code.grant

    def extra_fields(self, grant: SimulatedGrant) -> dict[str, Any]:
        return {
            "livemode": mode(grant.client) == "live",
            "stripe_publishable_key": f"pk_{mode(grant.client)}_simulated",
            "stripe_user_id": grant.account.external_id,
            "scope": grant.scopes[0],
        }

    def token_response(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """The response has no `expires_in`, even for tokens that expire."""
        response = super().token_response(*args, **kwargs)
        return without_expiry(response)


def mode(platform: SimulatedClient) -> str:
    """`live` or `test`, by the platform's secret key."""
    return "live" if platform.client_secret.startswith("sk_live_") else "test"


def without_expiry(response: HttpResponse) -> HttpResponse:
    body = json.loads(response.content)
    body.pop("expires_in", None)
    response.content = json.dumps(body).encode()
    return response


server = StripeConnectSimulator(
    provider,
    pkce="none",
    refresh_prefix="rt_",
    access_life_s=None,
)


@provider.route("GET POST", CONNECT, r"/oauth/authorize")
def authorize(request: HttpRequest) -> HttpResponse:
    scope = request.GET.get("scope", "read_only")
    return server.authorize(request, extra={"scope": scope})


@provider.route("POST", CONNECT, r"/oauth/token")
def token(request: HttpRequest) -> HttpResponse:
    return server.token(request)


@provider.route("POST", CONNECT, r"/oauth/deauthorize")
def deauthorize(request: HttpRequest) -> HttpResponse:
    return disconnect(server, request)


def disconnect(server: StripeConnectSimulator, request: HttpRequest) -> HttpResponse:
    client = server.authenticate_client(request, request.POST.dict())
    user = request.POST.get("stripe_user_id", "")
    if request.POST.get("client_id") != client.client_id:
        return server.error("invalid_client", "No such application", 401)
    living = client.grants.filter(account__external_id=user, revoked=False)
    if not living.update(revoked=True):
        return server.error(
            "invalid_client", "This application is not connected to that account", 401
        )
    return JsonResponse({"stripe_user_id": user})
