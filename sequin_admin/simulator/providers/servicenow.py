"""Simulated ServiceNow: each instance has clients of its own."""

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
from sequin_admin.simulator.oauth import AuthorizationServer, flat_error, select_tenant

HOST = r"(?P<instance>[a-z0-9-]+)\.service-now\.com"
SCOPE = "useraccount"
STATES = {"1": "New"}
HIBERNATING_PAGE = (
    "<!doctype html><title>Instance Hibernating page</title><h1>Your instance is asleep</h1>"
)


def api_error(status: int, message: str, detail: str = "") -> HttpResponse:
    error = {"message": message, "detail": detail}
    return JsonResponse({"error": error, "status": "failure"}, status=status)


def throttled() -> HttpResponse:
    response = api_error(429, "Rate limit exceeded")
    response["Retry-After"], response["X-RateLimit-Limit"] = "60", "300"
    response["X-RateLimit-Reset"] = str(int((now() + timedelta(minutes=1)).timestamp()))
    response["X-RateLimit-Rule"] = "sequin integration, per hour"
    return response


def plant() -> None:
    for instance, name in (("arrakis", "Arrakis"), ("giedi-prime", "Giedi Prime")):
        sys_id = instance.replace("-", "").ljust(32, "0")
        seed.create_account("servicenow", instance, name, user_name="sequin.sync", sys_id=sys_id)
        seed.create_client("servicenow", instance, client_id=sys_id[::-1])


provider = ProviderSimulator(
    "servicenow",
    "ServiceNow",
    scopes=(SCOPE,),
    switches=(
        "disable_user",
        "hide_users",
        "hibernate",
        "disable_client_credentials",
        "rotate_secret",
    ),
    seed=plant,
    throttled=throttled,
)


def denied() -> HttpResponse:
    return flat_error("server_error", "access_denied", 401)


class ServiceNowSimulator(AuthorizationServer):
    """Refuses JSON bodies as ServiceNow does, with a misleading error."""

    def requested_scopes(self, query: object) -> list[str]:
        return [SCOPE]

    def extra_fields(self, grant: SimulatedGrant) -> dict[str, Any]:
        return {"scope": SCOPE, "token_type": "Bearer"}

    def authenticate_client(self, request: HttpRequest, fields: object) -> SimulatedClient:
        """A JSON body is refused with a misleading error."""
        if request.content_type == "application/json":
            raise SimulatedResponse(denied())
        return super().authenticate_client(request, request.POST.dict())

    def check_account(self, account: SimulatedAccount) -> None:
        """Raises `SimulatedResponse` when the account takes no client credentials or its user is
        off."""
        if account.has("disable_client_credentials") or account.has("disable_user"):
            raise SimulatedResponse(denied())

    def refresh_grant(
        self, request: HttpRequest, client: SimulatedClient, value: str
    ) -> HttpResponse:
        token = self.find_token(client, SimulatedToken.REFRESH, value)
        if token and token.grant.account.has("disable_user"):
            return denied()
        return super().refresh_grant(request, client, value)


server = ServiceNowSimulator(
    provider,
    pkce="none",
    access_life_s=1800,
    refresh_life_s=8_640_000,
    client_error_status=401,
    client_credentials=True,
    reuses_access_token=True,
)


def select_instance(request: HttpRequest, instance: str) -> SimulatedAccount:
    """The instance's account. A hibernating one answers every call with a web page."""
    account = select_tenant(request, provider, instance)
    if account.has("hibernate"):
        raise SimulatedResponse(HttpResponse(HIBERNATING_PAGE, content_type="text/html"))
    return account


@provider.route("GET POST", HOST, r"/oauth_auth\.do")
def authorize(request: HttpRequest, instance: str) -> HttpResponse:
    select_instance(request, instance)
    return server.authorize(request)


@provider.route("POST", HOST, r"/oauth_token\.do")
def token(request: HttpRequest, instance: str) -> HttpResponse:
    select_instance(request, instance)
    return server.token(request)


@provider.route("GET POST", HOST, r"/oauth_revoke_token\.do")
def revoke(request: HttpRequest, instance: str) -> HttpResponse:
    """Needs no client authentication: the token itself suffices."""
    account = select_instance(request, instance)
    value = request.POST.get("token") or request.GET.get("token", "")
    row = SimulatedToken.objects.filter(value=value, grant__account=account).first()
    if row:
        row.grant.revoke()
    return HttpResponse(status=200)


def caller(request: HttpRequest, instance: str) -> SimulatedAccount:
    """The account of the bearer token at this instance. Raises `SimulatedResponse`."""
    account = select_instance(request, instance)
    token = server.find_access_token(bearer_token(request))
    if token is None or token.grant.account != account or account.has("disable_user"):
        detail = "Required to provide Auth information"
        raise SimulatedResponse(api_error(401, "User Not Authenticated", detail))
    faults.apply_faults(request, provider, account)
    return account


@provider.route("GET", HOST, r"/api/now/table/sys_user")
def users(request: HttpRequest, instance: str) -> HttpResponse:
    account = caller(request, instance)
    if account.has("hide_users"):
        return api_error(403, "Insufficient rights to query records", "ACL denies read")
    user = {
        "sys_id": account.data["sys_id"],
        "user_name": account.data["user_name"],
        "email": f"sync@{instance}.io",
        "name": "Sequin Sync",
    }
    return table(request, [user])


@provider.route("GET", HOST, r"/api/now/table/incident")
def incidents(request: HttpRequest, instance: str) -> HttpResponse:
    caller(request, instance)
    titles = ("Worm sign", "Ornithopter grounded", "Spice harvester lost", "Shield wall down")
    rows = [
        {"sys_id": f"{n:032x}", "number": f"INC{n:07d}", "short_description": title, "state": "1"}
        for n, title in enumerate(titles, start=1)
    ]
    return table(request, rows)


def table(request: HttpRequest, rows: list[dict[str, str]]) -> HttpResponse:
    """The requested rows and fields in the requested format, and the total count."""
    start = int(request.GET.get("sysparm_offset", 0))
    page = rows[start : start + int(request.GET.get("sysparm_limit", 10_000))]
    fields = request.GET.get("sysparm_fields", ",".join(rows[0])).split(",")
    result = [{n: format_field(request, n, row[n]) for n in fields if n in row} for row in page]
    response = JsonResponse({"result": result})
    response["X-Total-Count"] = str(len(rows))
    return response


def format_field(request: HttpRequest, name: str, value: str) -> str | dict[str, str]:
    """A field's stored value, its display value (`true`), or both (`all`)."""
    label = STATES.get(value, value) if name == "state" else value
    forms: dict[str, str | dict[str, str]] = {
        "true": label,
        "all": {"display_value": label, "value": value},
    }
    return forms.get(request.GET.get("sysparm_display_value", ""), value)
