"""The simulated ServiceNow's Table API."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults
from sequin_admin.simulator.framework import SimulatedResponse, bearer_token, whole_number
from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.servicenow.common import (
    HOST,
    api_error,
    provider,
    select_instance,
)
from sequin_admin.simulator.providers.servicenow.oauth import server

STATES = {"1": "New"}


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
    start = whole_number(request.GET.get("sysparm_offset"), 0)
    page = rows[start : start + whole_number(request.GET.get("sysparm_limit"), 10_000)]
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
