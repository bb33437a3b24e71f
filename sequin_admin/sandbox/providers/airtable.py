"""Airtable as providers.md section 1 describes it: PKCE, Basic, refresh tokens that work once."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.sandbox import faults, seed
from sequin_admin.sandbox.framework import Answer, Provider, bearer
from sequin_admin.sandbox.models import Grant
from sequin_admin.sandbox.oauth import Server

HOST, API = r"airtable\.com", r"api\.airtable\.com"


def api_error(status: int, type_: str, message: str) -> HttpResponse:
    return JsonResponse({"error": {"type": type_, "message": message}}, status=status)


def throttled() -> HttpResponse:
    return JsonResponse({"errors": [{"error": "RATE_LIMIT_REACHED"}]}, status=429)


def plant() -> None:
    seed.client("airtable", client_id="8a1d3c5e-airtable-simulated")
    seed.account("airtable", "usrziLeD23j9AJ1", "Paul Atreides", email="paul@arrakis.io")
    seed.account("airtable", "usrFeydRautha012", "Feyd-Rautha", email="feyd@giedi-prime.net")


provider = Provider(
    "airtable",
    "Airtable",
    scopes=("data.records:read", "data.records:write", "schema.bases:read", "webhook:manage"),
    seed=plant,
    throttled=throttled,
)


class Airtable(Server):
    def request_mistake(self, query: Any) -> str:
        if not query.get("state") or not query.get("scope"):
            return "state and scope are required"
        return super().request_mistake(query)

    def more(self, grant: Grant) -> dict[str, Any]:
        days = self.refresh_life_s
        return {**super().more(grant), "token_type": "Bearer", "refresh_expires_in": days}


server = Airtable(
    provider,
    client_auth="basic",
    pkce="required",
    access_prefix="oaa",
    access_life_s=3600,
    refresh_life_s=5_184_000,
    rotation="strict",
    client_status=401,
)


@provider.route("GET POST", HOST, r"/oauth2/v1/authorize")
def authorize(request: HttpRequest) -> HttpResponse:
    return server.authorize(request, path="/oauth2/v1/authorize")


@provider.route("POST", HOST, r"/oauth2/v1/token")
def token(request: HttpRequest) -> HttpResponse:
    return server.token(request)


def caller(request: HttpRequest) -> Grant:
    token = server.access(bearer(request))
    if token is None:
        raise Answer(api_error(401, "AUTHENTICATION_REQUIRED", "Authentication required"))
    account = token.grant.account
    faults.strike(request, provider, account)
    faults.count(provider, account.external_id, allowed=50, seconds=1)
    return token.grant


@provider.route("GET", API, r"/v0/meta/whoami")
def whoami(request: HttpRequest) -> HttpResponse:
    grant = caller(request)
    known = {"id": grant.account.external_id, "scopes": grant.scopes}
    if "user.email:read" in grant.scopes:
        known["email"] = grant.account.data["email"]
    return JsonResponse(known)


@provider.route("GET", API, r"/v0/(?P<base>app\w+)/(?P<table>[^/]+)")
def records(request: HttpRequest, base: str, table: str) -> HttpResponse:
    grant = caller(request)
    faults.count(provider, base, allowed=5, seconds=1)
    if "data.records:read" not in grant.scopes:
        return api_error(403, "INVALID_PERMISSIONS", "You are not permitted to perform this")
    rows = [
        {"id": f"rec{table[:4]}{n:09d}", "fields": {"Name": f"{table} {n}"}} for n in range(1, 6)
    ]
    return JsonResponse({"records": rows})
