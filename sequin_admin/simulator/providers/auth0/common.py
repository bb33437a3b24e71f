"""What the simulated Auth0's endpoints share: tenants, tokens, errors, limits."""

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
from sequin_admin.simulator.rows.collection import Fields

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
    switches=("unauthorize", "drop_scope", "rotate_secret", "many_users"),
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


def number_of(request: HttpRequest, name: str, usual: int, most: int) -> int:
    """A number of the query. Raises `SimulatedResponse` (400)."""
    text = request.GET.get(name, str(usual))
    if not (text.isascii() and text.isdigit() and int(text[:9]) <= most):
        message = f"Query validation error: '{text}' on property {name}."
        raise SimulatedResponse(api_error(400, "Bad Request", message, "invalid_query_string"))
    return int(text)


def paged(name: str, found: list[Fields], request: HttpRequest, per_page: int) -> HttpResponse:
    """A page by `page` (from 0) and `per_page`; a plain list without `include_totals`.

    Raises `SimulatedResponse` (400).
    """
    size = number_of(request, "per_page", per_page, 100)
    start = number_of(request, "page", 0, 10**6) * size
    shown = found[start : start + size]
    if request.GET.get("include_totals") != "true":
        return JsonResponse(shown, safe=False)
    totals = {"start": start, "limit": size, "length": len(shown), "total": len(found)}
    return JsonResponse({**totals, name: shown})
