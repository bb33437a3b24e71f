"""Simulated Salesforce: My Domain hosts, a signed identity URL."""

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults, seed
from sequin_admin.simulator.framework import ProviderSimulator, SimulatedResponse, bearer_token
from sequin_admin.simulator.models import (
    SimulatedAccount,
    SimulatedClient,
    SimulatedGrant,
    SimulatedToken,
    now,
)
from sequin_admin.simulator.oauth import AuthorizationServer

LOGIN = r"(?:login|test)\.salesforce\.com"
IDLE_LIFE_S = 30 * 86_400
DOMAIN = r"(?P<domain>[a-z0-9-]+)\.my\.salesforce\.com"
ANY = rf"{LOGIN}|[a-z0-9-]+\.my\.salesforce\.com"


def api_error(status: int, code: str, message: str) -> HttpResponse:
    return JsonResponse([{"errorCode": code, "message": message}], status=status, safe=False)


def throttled() -> HttpResponse:
    return api_error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


def plant() -> None:
    seed.create_client("salesforce", client_id="3MVGSimulatedExternalClientApp")
    seed.create_account(
        "salesforce", "00D5g000004ArrakEA", "Arrakis", domain="arrakis", user="0055g00001A"
    )
    seed.create_account(
        "salesforce", "00D5g000004GiediEA", "Giedi Prime", domain="giedi", user="0055g00001B"
    )


provider = ProviderSimulator(
    "salesforce",
    "Salesforce",
    scopes=("api", "refresh_token", "id"),
    switches=(
        "disable_user",
        "disable_api",
        "restrict_address",
        "rotate_refresh_tokens",
        "break_signature",
        "foreign_login_host",
        "move_organization",
    ),
    seed=plant,
    throttled=throttled,
)


def domain_of(account: SimulatedAccount) -> str:
    """Its My Domain. A moved organization has another one and is no longer served at the old."""
    domain = str(account.data["domain"])
    return f"{domain}-moved" if account.has("move_organization") else domain


class SalesforceSimulator(AuthorizationServer):
    """PKCE is required, as partner apps must enable it. Rotation is an account's switch.

    A refresh token ends after 30 days without use. One that was rotated away revokes the grant.
    """

    def refresh_grant(
        self, request: HttpRequest, client: SimulatedClient, value: str
    ) -> HttpResponse:
        token = self.find_token(client, SimulatedToken.REFRESH, value)
        if token and token.grant.account.has("restrict_address"):
            return self.error("invalid_grant", "ip restricted", 400)
        if token and token.spent_at:
            token.grant.revoke()
            token.grant.increment("reuses")
        elif token and token.is_valid():
            token.expires_at = now() + timedelta(seconds=IDLE_LIFE_S)
            token.save(update_fields=["expires_at"])
        return super().refresh_grant(request, client, value)

    def token_response(
        self,
        request: HttpRequest,
        grant: SimulatedGrant,
        *,
        new_refresh_token: bool,
        source: SimulatedToken | None = None,
    ) -> HttpResponse:
        """The response to a refresh has a refresh token only while rotation is on."""
        rotates = source is not None and grant.account.has("rotate_refresh_tokens")
        if source is not None and rotates:
            source.spend()
        access = self.issue(grant, SimulatedToken.ACCESS)
        body = {
            "access_token": f"{access.value}",
            "token_type": "Bearer",
            **self.extra_fields(grant),
        }
        if source is None or rotates:
            body["refresh_token"] = self.issue(grant, SimulatedToken.REFRESH).value
        if grant.account.has("foreign_login_host"):
            body["id"] = body["id"].replace("login.salesforce.com", "login.other.example")
        signed = f"{body['id']}{body['issued_at']}".encode()
        key = grant.client.client_secret.encode()
        made = hmac.new(key, signed, hashlib.sha256).digest()
        if grant.account.has("break_signature"):
            made = made[::-1]
        body["signature"] = base64.b64encode(made).decode()
        return faults.maybe_lose_response(request, provider, grant.account, JsonResponse(body))

    def extra_fields(self, grant: SimulatedGrant) -> dict[str, Any]:
        account = grant.account
        return {
            "scope": " ".join(grant.scopes),
            "instance_url": f"https://{domain_of(account)}.my.salesforce.com",
            "id": f"https://login.salesforce.com/id/{account.external_id}/{account.data['user']}",
            "issued_at": str(int(now().timestamp() * 1000)),
        }


server = SalesforceSimulator(
    provider,
    pkce="required",
    access_prefix="00DSimulated!",
    refresh_prefix="5Aep",
    access_life_s=7200,
    refresh_life_s=IDLE_LIFE_S,
)


@provider.route("GET POST", ANY, r"/services/oauth2/authorize")
def authorize(request: HttpRequest) -> HttpResponse:
    return server.authorize(request)


@provider.route("POST", ANY, r"/services/oauth2/token")
def token(request: HttpRequest) -> HttpResponse:
    return server.token(request)


@provider.route("POST", ANY, r"/services/oauth2/revoke")
def revoke(request: HttpRequest) -> HttpResponse:
    """Revoking a refresh token revokes its access tokens too."""
    row = SimulatedToken.objects.filter(
        value=request.POST.get("token", ""), grant__client__provider="salesforce"
    ).first()
    if row is None or not row.is_valid():
        return server.error("invalid_token", "invalid token", 400)
    row.grant.revoke()
    return HttpResponse(status=200)


@provider.route("GET", r"login\.salesforce\.com", r"/id/(?P<organization>\w+)/(?P<user>\w+)")
def identity(request: HttpRequest, organization: str, user: str) -> HttpResponse:
    account = caller(request).account
    if account.external_id != organization or account.data["user"] != user:
        return HttpResponse("Bad_Id", status=404)
    return JsonResponse(
        {
            "user_id": user,
            "organization_id": organization,
            "username": f"admin@{account.data['domain']}.example",
            "display_name": f"Admin of {account.name}",
            "active": True,
        }
    )


@provider.route("GET", DOMAIN, r"/services/data/v\d+\.0/limits/?")
def limits(request: HttpRequest, domain: str) -> HttpResponse:
    require_own_domain(request, domain)
    return with_usage_header(JsonResponse({"DailyApiRequests": {"Max": 15000, "Remaining": 14982}}))


@provider.route("GET", DOMAIN, r"/services/data/v\d+\.0/query/?")
def query(request: HttpRequest, domain: str) -> HttpResponse:
    require_own_domain(request, domain)
    records = [{"attributes": {"type": "Contact"}, "Id": f"003{n:012d}"} for n in range(1, 6)]
    return with_usage_header(JsonResponse({"totalSize": 5, "done": True, "records": records}))


def with_usage_header(response: HttpResponse) -> HttpResponse:
    response["Sforce-Limit-Info"] = (
        "api-usage=18/15000; per-app-api-usage=17/250(appName=Sequin Admin)"
    )
    return response


def require_own_domain(request: HttpRequest, domain: str) -> SimulatedAccount:
    """The account. Raises `SimulatedResponse` at a domain other than the organization's own."""
    account = caller(request).account
    if domain_of(account) != domain:
        raise SimulatedResponse(api_error(401, "INVALID_SESSION_ID", "Session expired or invalid"))
    if account.has("disable_api"):
        message = "The REST API is not enabled for this Organization."
        raise SimulatedResponse(api_error(403, "API_DISABLED_FOR_ORG", message))
    return account


def caller(request: HttpRequest) -> SimulatedGrant:
    token = server.find_access_token(bearer_token(request))
    if token is None:
        raise SimulatedResponse(api_error(401, "INVALID_SESSION_ID", "Session expired or invalid"))
    account = token.grant.account
    faults.apply_faults(request, provider, account)
    faults.count_call(provider, account.external_id, allowed=15_000, seconds=86_400)
    return token.grant
