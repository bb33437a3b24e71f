"""Auth0 as providers.md section 2 describes it: tenants with clients of their own, JWTs."""

import secrets
from datetime import timedelta
from typing import Any

import jwt
from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults, seed
from sequin_admin.simulator.framework import ProviderSimulator, SimulatedResponse, bearer
from sequin_admin.simulator.models import (
    SimulatedAccount,
    SimulatedClient,
    SimulatedGrant,
    SimulatedToken,
    now,
)
from sequin_admin.simulator.oauth import AuthorizationServer, enter, flat_error

HOST = r"(?P<domain>[a-z0-9-]+(?:\.[a-z]{2}(?:-\d)?)?\.auth0\.com)"
SCOPES = ("read:users", "read:clients", "read:tenant_settings")
# Signs nothing that anybody trusts: whether a token is good is looked up.
SIGNING_KEY = "the simulator's tenants share this one key"
LIMIT, BURST_S = 10, 5  # 2 calls a second with a little burst: a free tenant


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
        seed.account("auth0", domain, name, scopes=list(SCOPES), support_email=email)
        client_id = f"{name.replace(' ', '')}MachineToMachineApp"
        seed.client("auth0", domain, client_id=client_id)


provider = ProviderSimulator(
    "auth0",
    "Auth0",
    switches=("unauthorize", "drop_scope", "rotate_secret"),
    lacks=("revoke",),
    calls_back=False,
    seed=plant,
    throttled=throttled,
)


def token_error(error: str, description: str, status: int) -> HttpResponse:
    if error == "invalid_client":
        return flat_error("access_denied", "Unauthorized", 401)
    return flat_error(error, description, 403 if error == "unsupported_grant_type" else status)


class Auth0Simulator(AuthorizationServer):
    def own_token(self, request: HttpRequest, client: SimulatedClient) -> HttpResponse:
        asked, api = self.fields_of(request).get("audience", ""), audience(client.owner)
        if asked != api:
            raise SimulatedResponse(
                flat_error("access_denied", f"Service not enabled: {asked}", 403)
            )
        return super().own_token(request, client)

    def vet(self, account: SimulatedAccount) -> None:
        if account.has("unauthorize"):
            api = audience(account.external_id)
            said = f'Client is not authorized to access "{api}".'
            raise SimulatedResponse(flat_error("access_denied", said, 403))

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

    def more(self, grant: SimulatedGrant) -> dict[str, Any]:
        return {"scope": " ".join(scopes_of(grant.account)), "token_type": "Bearer"}


server = Auth0Simulator(
    provider,
    takes="form json",
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
    enter(request, provider, domain)
    return server.token(request)


def caller(request: HttpRequest, domain: str, scope: str) -> SimulatedAccount:
    """Whose token this is. What it may do was fixed when it was issued: it cannot be revoked."""
    account = enter(request, provider, domain)
    token = server.access(bearer(request))
    if token is None or token.grant.account != account:
        raise SimulatedResponse(api_error(401, "Unauthorized", "Invalid token", "invalid_token"))
    faults.strike(request, provider, account)
    faults.count(provider, domain, allowed=LIMIT, seconds=BURST_S)
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
