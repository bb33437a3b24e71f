"""HubSpot as providers.md section 5 describes it. Read this file first: the others follow it."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.sandbox import faults, seed
from sequin_admin.sandbox.framework import Answer, Provider, bearer
from sequin_admin.sandbox.models import Account, Grant, Token, now
from sequin_admin.sandbox.oauth import Server

API = r"api\.hubapi\.com"
VERSION = r"(?:v1|v3|\d{4}-\d{2})"


def api_error(status: int, category: str, message: str, **more: Any) -> HttpResponse:
    body = {
        "status": "error",
        "message": message,
        "correlationId": str(uuid.uuid4()),
        "category": category,
    }
    return JsonResponse({**body, **more}, status=status)


def oauth_error(error: str, description: str, status: int) -> HttpResponse:
    codes = {"invalid_grant": "BAD_REFRESH_TOKEN", "invalid_client": "BAD_CLIENT_SECRET"}
    body = {"error": error, "error_description": description, "message": description}
    return JsonResponse({**body, "status": codes.get(error, "BAD_REQUEST")}, status=status)


def throttled() -> HttpResponse:
    response = api_error(
        429,
        "RATE_LIMITS",
        "You have reached your ten_secondly_rolling limit.",
        errorType="RATE_LIMIT",
        policyName="TEN_SECONDLY_ROLLING",
    )
    response["X-HubSpot-RateLimit-Max"] = "110"
    response["X-HubSpot-RateLimit-Remaining"] = "0"
    response["X-HubSpot-RateLimit-Interval-Milliseconds"] = "10000"
    return response


def plant() -> None:
    seed.client("hubspot", client_id="5c2e8a6f-0b51-4f0e-9d6c-hubspot-simulated")
    seed.account("hubspot", "21902692", "arrakis.io", hub_domain="arrakis.io", user_id=2190)
    seed.account("hubspot", "33011844", "giedi-prime.net", hub_domain="giedi-prime.net", user_id=33)


provider = Provider(
    "hubspot",
    "HubSpot",
    scopes=("oauth", "tickets", "crm.lists.read", "crm.objects.contacts.read"),
    switches=("uninstall",),
    seed=plant,
    throttled=throttled,
)


class HubSpot(Server):
    def more(self, grant: Grant) -> dict[str, Any]:
        return {
            "hub_id": int(grant.account.external_id),
            "user_id": grant.account.data["user_id"],
            "scopes": grant.scopes,
            "token_use": "access_token",
        }


server = HubSpot(provider, access_life_s=1800, error=oauth_error)


@provider.route("GET POST", r"app\.hubspot\.com", r"/oauth/authorize")
def authorize(request: HttpRequest) -> HttpResponse:
    return server.authorize(request, path="/oauth/authorize")


@provider.route("POST", API, rf"/oauth/{VERSION}/token")
def token(request: HttpRequest) -> HttpResponse:
    return server.token(request)


@provider.route("POST", API, rf"/oauth/{VERSION}/token/introspect")
def introspect(request: HttpRequest) -> HttpResponse:
    client = server.client_of(request, request.POST.dict())
    found = Token.objects.filter(value=request.POST.get("token", ""), grant__client=client)
    alive = next((row for row in found.select_related("grant__account") if row.alive()), None)
    return JsonResponse(facts(alive) if alive else {"active": False})


@provider.route("GET", API, r"/oauth/v1/(?:access|refresh)-tokens/(?P<token>[^/]+)")
def legacy_facts(request: HttpRequest, token: str) -> HttpResponse:
    row = Token.objects.filter(value=token, grant__client__provider="hubspot").first()
    if row is None or not row.alive():
        return api_error(404, "OBJECT_NOT_FOUND", "The token is invalid or expired")
    return JsonResponse(facts(row))


def facts(token: Token) -> dict[str, Any]:
    grant = token.grant
    known = {
        "active": True,
        "token_use": f"{token.use}_token",
        "token_type": "bearer",
        "hub_id": int(grant.account.external_id),
        "hub_domain": grant.account.data["hub_domain"],
        "user": f"admin@{grant.account.data['hub_domain']}",
        "user_id": grant.account.data["user_id"],
        "app_id": 104,
        "client_id": grant.client.client_id,
        "scopes": grant.scopes,
    }
    if token.expires_at:
        known["expires_in"] = int((token.expires_at - now()).total_seconds())
    return known


@provider.route("POST", API, rf"/oauth/{VERSION}/token/revoke")
def revoke(request: HttpRequest) -> HttpResponse:
    client = server.client_of(request, request.POST.dict())
    row = Token.objects.filter(value=request.POST.get("token", ""), grant__client=client).first()
    if row:
        row.grant.revoke()
    return HttpResponse(status=200)


def caller(request: HttpRequest) -> Grant:
    """Whose token this is; counts the call against 110 per ten seconds and account."""
    token = server.access(bearer(request))
    if token is None:
        message = "The OAuth token used to make this call is expired or invalid."
        raise Answer(api_error(401, "EXPIRED_AUTHENTICATION", message))
    account: Account = token.grant.account
    faults.strike(request, provider, account)
    faults.count(provider, account.external_id, allowed=110, seconds=10)
    return token.grant


@provider.route("GET", API, r"/account-info/(?:v3|\d{4}-\d{2})/details")
def details(request: HttpRequest) -> HttpResponse:
    account = caller(request).account
    return JsonResponse(
        {
            "portalId": int(account.external_id),
            "uiDomain": "app.hubspot.com",
            "accountType": "STANDARD",
            "timeZone": "Etc/UTC",
            "companyCurrency": "USD",
            "dataHostingLocation": "na1",
        }
    )


@provider.route("GET", API, r"/crm/v3/objects/contacts")
def contacts(request: HttpRequest) -> HttpResponse:
    grant = caller(request)
    if "crm.objects.contacts.read" not in grant.scopes:
        context = {"requiredGranularScopes": ["crm.objects.contacts.read"]}
        return api_error(
            403,
            "MISSING_SCOPES",
            "This app hasn't been granted all required scopes",
            errors=[{"context": context}],
        )
    names = ("Paul", "Jessica", "Leto", "Duncan", "Gurney")
    people = [
        {"id": str(index), "properties": {"firstname": name, "lastname": "Atreides"}}
        for index, name in enumerate(names, start=1)
    ]
    return JsonResponse({"results": people})
