"""Simulated Workday: tenants in the path, REST, SOAP and reports."""

import html
import json
import re
import secrets
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults, seed
from sequin_admin.simulator.framework import (
    ProviderSimulator,
    SimulatedResponse,
    basic_credentials,
    bearer_token,
)
from sequin_admin.simulator.models import (
    SimulatedAccount,
    SimulatedClient,
    SimulatedGrant,
    SimulatedToken,
)
from sequin_admin.simulator.oauth import AuthorizationServer, select_tenant

HOST = r"[a-z0-9-]+\.(?:workday|myworkday)\.com"
LOGIN_HOST = r"impl\.workday\.com|wd5\.myworkday\.com"
TENANT = r"(?P<tenant>[A-Za-z0-9][A-Za-z0-9_-]*)"
PEOPLE = ("Paul Atreides", "Jessica Atreides", "Leto Atreides", "Duncan Idaho", "Gurney Halleck")
ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Body>\
{body}</SOAP-ENV:Body></SOAP-ENV:Envelope>"""
PASSWORD_TEXT = "wss-username-token-profile-1.0#PasswordText"


def api_error(status: int, message: str) -> HttpResponse:
    return JsonResponse({"error": message, "errors": [{"error": message}]}, status=status)


def soap(body: str, status: int = 200) -> HttpResponse:
    return HttpResponse(ENVELOPE.format(body=body), content_type="text/xml", status=status)


def fault(code: str, text: str) -> HttpResponse:
    inner = f"<faultcode>SOAP-ENV:{code}</faultcode><faultstring>{text}</faultstring>"
    return soap(f"<SOAP-ENV:Fault>{inner}</SOAP-ENV:Fault>", 500)


def plant() -> None:
    for tenant, name, host, login_host in (
        ("arrakis_dpt1", "Arrakis", "wd2-impl-services1.workday.com", "impl.workday.com"),
        ("giedi_prime1", "Giedi Prime", "wd5-services1.myworkday.com", "wd5.myworkday.com"),
    ):
        client = seed.create_client(
            "workday",
            tenant,
            client_id=f"{tenant}-api-client",
            host=host,
            tenant=tenant,
            refresh_token=secrets.token_urlsafe(32),
            authorization_endpoint=f"https://{login_host}/{tenant}/authorize",
        )
        login = {"username": f"ISU_Sequin@{tenant}", "password": f"spice-{tenant}"}
        account = seed.create_account("workday", tenant, name, host=host, **login)
        grant = SimulatedGrant.objects.create(client=client, account=account)
        SimulatedToken.issue(
            grant, SimulatedToken.REFRESH, "", None, value=client.extra["refresh_token"]
        )


provider = ProviderSimulator(
    "workday",
    "Workday",
    scopes=("Staffing", "Tenant Non-Configurable"),
    switches=(
        "drop_scope",
        "change_password",
        "disable_user",
        "rotate_secret",
        "rotate_refresh_token",
    ),
    seed=plant,
    throttled=lambda: api_error(429, "Too many requests"),
)


class WorkdaySimulator(AuthorizationServer):
    def refresh_grant(
        self, request: HttpRequest, client: SimulatedClient, value: str
    ) -> HttpResponse:
        """Refresh tokens are constant unless the tenant's switch for rotation is on."""
        token = self.find_token(client, SimulatedToken.REFRESH, value)
        rotates = token and token.is_valid() and token.grant.account.has("rotate_refresh_token")
        if not token or not rotates:
            return super().refresh_grant(request, client, value)
        token.spend()
        return self.token_response(request, token.grant, new_refresh_token=True, source=token)

    def token_response(
        self,
        request: HttpRequest,
        grant: SimulatedGrant,
        *,
        new_refresh_token: bool,
        **options: Any,
    ) -> HttpResponse:
        """By tenant: the first repeats no refresh token, the second has no `expires_in`."""
        options = {"new_refresh_token": new_refresh_token, **options}
        response = super().token_response(request, grant, **options)
        body: dict[str, Any] = json.loads(response.content)
        if grant.account.external_id != "arrakis_dpt1":
            del body["expires_in"]
        elif not new_refresh_token:
            del body["refresh_token"]
        response.content = json.dumps(body).encode()
        return response

    def extra_fields(self, grant: SimulatedGrant) -> dict[str, Any]:
        return {"token_type": "Bearer"}


server = WorkdaySimulator(
    provider, client_auth="basic", pkce="none", client_error_status=401, client_credentials=True
)


@provider.route("GET POST", LOGIN_HOST, rf"/{TENANT}/authorize")
def authorize(request: HttpRequest, tenant: str) -> HttpResponse:
    select_tenant(request, provider, tenant)
    return server.authorize(request)


@provider.route("POST", HOST, rf"/ccx/oauth2/{TENANT}/token")
def token(request: HttpRequest, tenant: str) -> HttpResponse:
    select_tenant(request, provider, tenant)
    return server.token(request)


def caller(request: HttpRequest, tenant: str) -> SimulatedAccount:
    account = select_tenant(request, provider, tenant)
    token = server.find_access_token(bearer_token(request))
    if token is None or token.grant.account != account or account.has("disable_user"):
        raise SimulatedResponse(api_error(401, "invalid_token"))
    faults.apply_faults(request, provider, account)
    if account.has("drop_scope"):
        raise SimulatedResponse(api_error(403, "permission denied"))
    return account


@provider.route("GET", HOST, rf"/ccx/api/v1/{TENANT}/workers/me")
def me(request: HttpRequest, tenant: str) -> HttpResponse:
    """404: the connected integration user has no worker record."""
    caller(request, tenant)
    return api_error(404, "worker not found")


@provider.route("GET", HOST, rf"/ccx/api/v1/{TENANT}/workers")
def workers(request: HttpRequest, tenant: str) -> HttpResponse:
    caller(request, tenant)
    limit = min(int(request.GET.get("limit", 20)), 100)
    rows = [{"id": f"{n:032x}", "descriptor": name} for n, name in enumerate(PEOPLE, start=1)]
    return JsonResponse({"total": len(rows), "data": rows[:limit]})


@provider.route("POST", HOST, rf"/ccx/service/{TENANT}/(?P<service>\w+)/v(?P<version>\d+\.\d)")
def web_service(request: HttpRequest, tenant: str, service: str, version: str) -> HttpResponse:
    """SOAP with a WS-Security UsernameToken. Throttling is a 500 like any other fault."""
    account = select_tenant(request, provider, tenant)
    if faults.consume_fault(provider, account, "throttle"):
        return fault("Server", "Processing error occurred. Try again later.")
    faults.apply_faults(request, provider, account)
    given = request.body.decode()
    if PASSWORD_TEXT not in given:
        return fault("Client.validationError", "Validation error: a UsernameToken is required")
    if not logs_in(account, element(given, "Username"), element(given, "Password")):
        return fault("Client.authenticationError", "invalid username or password")
    if account.has("drop_scope"):
        return fault("Client.processingFault", "The task submitted is not authorized.")
    total = f"<wd:Total_Results>{len(PEOPLE)}</wd:Total_Results>"
    results = f"<wd:Response_Results>{total}</wd:Response_Results>"
    named = f'xmlns:wd="urn:com.workday/bsvc" wd:version="v{version}"'
    return soap(f"<wd:Get_Workers_Response {named}>{results}</wd:Get_Workers_Response>")


def element(document: str, name: str) -> str:
    """The text of the first `<prefix:name ...>text</prefix:name>`."""
    found = re.search(rf"<(?:\w+:)?{name}\b[^>]*>([^<]*)<", document)
    return html.unescape(found[1]) if found else ""


def logs_in(account: SimulatedAccount, username: str, password: str) -> bool:
    known = (account.data["username"], account.data["password"])
    return (username, password) == known and not account.has("disable_user")


@provider.route(
    "GET", HOST, rf"/ccx/service/customreport2/{TENANT}/(?P<owner>[^/]+)/(?P<report>[^/]+)"
)
def report(request: HttpRequest, tenant: str, owner: str, report: str) -> HttpResponse:
    """Report as a Service (RaaS), with HTTP Basic."""
    account = select_tenant(request, provider, tenant)
    faults.apply_faults(request, provider, account)
    if not logs_in(account, *basic_credentials(request)):
        return api_error(401, "invalid username or password")
    return JsonResponse({"Report_Entry": [{"Worker": name} for name in PEOPLE]})
