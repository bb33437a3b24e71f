"""Simulated Auth0: tenants with clients of their own, JWTs."""

import secrets
from datetime import timedelta
from typing import Any

import jwt
from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults, seed
from sequin_admin.simulator.framework import ProviderSimulator, SimulatedResponse, bearer_token
from sequin_admin.simulator.limits import count_call
from sequin_admin.simulator.models import (
    SimulatedAccount,
    SimulatedClient,
    SimulatedGrant,
    SimulatedToken,
    now,
)
from sequin_admin.simulator.oauth import AuthorizationServer, flat_error, select_tenant

HOST = r"(?P<domain>[a-z0-9-]+(?:\.[a-z]{2}(?:-\d)?)?\.auth0\.com)"
SCOPES = ("read:users", "read:clients", "read:tenant_settings")
# Nobody verifies this signature: tokens are looked up by value.
SIGNING_KEY = "the simulator's tenants share this one key"
LIMIT, BURST_S = 10, 5  # a free tenant: 2 calls a second, in bursts of 10


def api_error(status: int, error: str, message: str, code: str = "") -> HttpResponse:
    body = {"statusCode": status, "error": error, "message": message}
    return JsonResponse(body | ({"errorCode": code} if code else {}), status=status)


def throttled() -> HttpResponse:
    response = api_error(429, "Too Many Requests", "Global limit has been reached")
    response["x-ratelimit-limit"], response["x-ratelimit-remaining"] = str(LIMIT), "0"
    reset = now() + timedelta(seconds=BURST_S)
    response["x-ratelimit-reset"] = str(int(reset.timestamp()))
    return response


def plant() -> None:
    for domain, name in (
        ("arrakis.us.auth0.com", "Arrakis"),
        ("giedi-prime.eu.auth0.com", "Giedi Prime"),
    ):
        email = f"admin@{domain.split('.')[0]}.io"
        seed.create_account("auth0", domain, name, scopes=list(SCOPES), support_email=email)
        client_id = f"{name.replace(' ', '')}MachineToMachineApp"
        seed.create_client("auth0", domain, client_id=client_id)


provider = ProviderSimulator(
    "auth0",
    "Auth0",
    switches=("unauthorize", "drop_scope", "rotate_secret"),
    unsupported_actions=("revoke",),
    calls_back=False,
    seed=plant,
    throttled=throttled,
)


def token_error(error: str, description: str, status: int) -> HttpResponse:
    if error == "invalid_client":
        return flat_error("access_denied", "Unauthorized", 401)
    return flat_error(error, description, 403 if error == "unsupported_grant_type" else status)


class Auth0Simulator(AuthorizationServer):
    """Issues JWTs to clients, for the audience of their own tenant only."""

    def issue_to_client(self, request: HttpRequest, client: SimulatedClient) -> HttpResponse:
        """Raises `SimulatedResponse` (403) for the audience of another API."""
        asked, api = self.parse_fields(request).get("audience", ""), audience(client.owner)
        if asked != api:
            raise SimulatedResponse(
                flat_error("access_denied", f"Service not enabled: {asked}", 403)
            )
        return super().issue_to_client(request, client)

    def check_account(self, account: SimulatedAccount) -> None:
        """Raises `SimulatedResponse` (403) when the client lost its authorization."""
        if account.has("unauthorize"):
            api = audience(account.external_id)
            message = f'Client is not authorized to access "{api}".'
            raise SimulatedResponse(flat_error("access_denied", message, 403))

    def issue(self, grant: SimulatedGrant, use: str) -> SimulatedToken:
        life_s, at, domain = self.access_life_s or 0, now(), grant.account.external_id
        claims = {
            "iss": f"https://{domain}/",
            "sub": f"{grant.client.client_id}@clients",
            "aud": audience(domain),
            "azp": grant.client.client_id,
            "gty": "client-credentials",
            "scope": " ".join(scopes_of(grant.account)),
            "iat": int(at.timestamp()),
            "exp": int(at.timestamp()) + life_s,
            "jti": secrets.token_urlsafe(12),
        }
        return SimulatedToken.issue(grant, use, "", life_s, value=jwt.encode(claims, SIGNING_KEY))

    def extra_fields(self, grant: SimulatedGrant) -> dict[str, Any]:
        return {"scope": " ".join(scopes_of(grant.account)), "token_type": "Bearer"}


server = Auth0Simulator(
    provider,
    body_formats="form json",
    client_credentials=True,
    access_life_s=86_400,
    error=token_error,
)


def audience(domain: str) -> str:
    return f"https://{domain}/api/v2/"


def scopes_of(account: SimulatedAccount) -> list[str]:
    granted: list[str] = account.data["scopes"]
    return granted[:1] if account.has("drop_scope") else granted


@provider.route("POST", HOST, r"/oauth/token")
def token(request: HttpRequest, domain: str) -> HttpResponse:
    select_tenant(request, provider, domain)
    return server.token(request)


def caller(request: HttpRequest, domain: str, scope: str) -> SimulatedAccount:
    """The token's account. Scopes are those at issue; a token cannot be revoked."""
    account = select_tenant(request, provider, domain)
    token = server.find_access_token(bearer_token(request))
    if token is None or token.grant.account != account:
        raise SimulatedResponse(api_error(401, "Unauthorized", "Invalid token", "invalid_token"))
    faults.apply_faults(request, provider, account)
    count_call(provider, domain, allowed=LIMIT, seconds=BURST_S)
    claims = jwt.decode(token.value, options={"verify_signature": False})
    if scope not in claims["scope"].split():
        message = f"Insufficient scope, expected any of: {scope}"
        raise SimulatedResponse(api_error(403, "Forbidden", message, "insufficient_scope"))
    return account


@provider.route("GET", HOST, r"/api/v2/tenants/settings")
def settings(request: HttpRequest, domain: str) -> HttpResponse:
    account = caller(request, domain, "read:tenant_settings")
    email = account.data["support_email"]
    return JsonResponse({"friendly_name": account.name, "support_email": email})


@provider.route("GET", HOST, r"/api/v2/clients/(?P<client_id>[^/]+)")
def client(request: HttpRequest, domain: str, client_id: str) -> HttpResponse:
    account = caller(request, domain, "read:clients")
    row = SimulatedClient.objects.filter(owner=account.external_id, client_id=client_id).first()
    if row is None:
        return api_error(404, "Not Found", "The client does not exist", "inexistent_client")
    return JsonResponse({"client_id": row.client_id, "name": "Sequin"})


@provider.route("GET", HOST, r"/api/v2/clients")
def clients(request: HttpRequest, domain: str) -> HttpResponse:
    owner = caller(request, domain, "read:clients").external_id
    known = SimulatedClient.objects.filter(provider="auth0", owner=owner).order_by("pk")
    shown = [{"client_id": row.client_id, "name": "Sequin"} for row in known]
    if request.GET.get("include_totals") != "true":
        return JsonResponse(shown, safe=False)
    totals = {"start": 0, "limit": 50, "total": len(shown)}
    return JsonResponse({**totals, "clients": shown})


@provider.route("GET", HOST, r"/api/v2/users")
def users(request: HttpRequest, domain: str) -> HttpResponse:
    caller(request, domain, "read:users")
    people = ("paul", "jessica", "leto", "duncan", "gurney")
    rows = [{"user_id": f"auth0|{name}", "email": f"{name}@{domain}"} for name in people]
    size = int(request.GET.get("per_page", 50))
    start = int(request.GET.get("page", 0)) * size
    shown = rows[start : start + size]
    if request.GET.get("include_totals") != "true":
        return JsonResponse(shown, safe=False)
    totals = {"start": start, "limit": size, "length": len(shown), "total": len(rows)}
    return JsonResponse({**totals, "users": shown})
