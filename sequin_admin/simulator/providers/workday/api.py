"""The simulated Workday's REST API, for tokens."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults
from sequin_admin.simulator.framework import SimulatedResponse, bearer_token, whole_number
from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.oauth import select_tenant
from sequin_admin.simulator.providers.workday.common import (
    HOST,
    PEOPLE,
    TENANT,
    api_error,
    provider,
)
from sequin_admin.simulator.providers.workday.oauth import server


def caller(request: HttpRequest, tenant: str) -> SimulatedAccount:
    """The account of the bearer token at this tenant. Raises `SimulatedResponse`."""
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
    limit = whole_number(request.GET.get("limit"), 20, 100)
    start = whole_number(request.GET.get("offset"), 0)
    rows = [{"id": f"{n:032x}", "descriptor": name} for n, name in enumerate(PEOPLE, start=1)]
    return JsonResponse({"total": len(rows), "data": rows[start : start + limit]})
