"""Simulated Marketo: secrets in the query, errors with HTTP 200."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults, seed
from sequin_admin.simulator.framework import (
    ProviderSimulator,
    SimulatedResponse,
    bearer_token,
    whole_number,
)
from sequin_admin.simulator.limits import count_call
from sequin_admin.simulator.models import SimulatedAccount, SimulatedGrant, SimulatedToken, now
from sequin_admin.simulator.oauth import AuthorizationServer, select_tenant

HOST = r"(?i:(?P<munchkin>\d{3}-[a-z]{3}-\d{3})\.mktorest\.com)"
LIFE_S = 3599


def answer(**body: Any) -> HttpResponse:
    return JsonResponse({"requestId": uuid.uuid4().hex[:17], **body})


def api_error(code: str, message: str) -> HttpResponse:
    return answer(success=False, errors=[{"code": code, "message": message}])


def throttled() -> HttpResponse:
    return api_error("606", "Max rate limit '100' exceeded with in '20' secs")


def plant() -> None:
    for munchkin, name in (("123-ABC-456", "Arrakis"), ("789-XYZ-012", "Giedi Prime")):
        mail = f"apis@{name.lower().replace(' ', '-')}.io"
        seed.create_account("marketo", munchkin, name, api_user=mail, calls=0)
        client_id = str(uuid.uuid5(uuid.NAMESPACE_DNS, munchkin))
        seed.create_client("marketo", munchkin, client_id=client_id)


provider = ProviderSimulator(
    "marketo",
    "Marketo",
    switches=("deny_access", "use_up_daily_quota", "rotate_secret"),
    unsupported_actions=("revoke",),
    calls_back=False,
    seed=plant,
    throttled=throttled,
)


class MarketoSimulator(AuthorizationServer):
    """Takes all parameters from the query, and names the API user as the scope."""

    def parse_fields(self, request: HttpRequest) -> dict[str, str]:
        """All parameters are in the query, whatever the method."""
        return request.GET.dict()

    def extra_fields(self, grant: SimulatedGrant) -> dict[str, Any]:
        return {"scope": grant.account.data["api_user"]}

    def issue(self, grant: SimulatedGrant, use: str) -> SimulatedToken:
        value = f"{uuid.uuid4()}:ab"
        return SimulatedToken.issue(grant, use, "", self.access_life_s, value=value)


server = MarketoSimulator(
    provider,
    client_credentials=True,
    reuses_access_token=True,
    access_life_s=LIFE_S,
    client_error_status=401,
)


@provider.route("GET POST", HOST, r"/identity/oauth/token")
def token(request: HttpRequest, munchkin: str) -> HttpResponse:
    select_tenant(request, provider, munchkin)
    return server.token(request)


def caller(request: HttpRequest, munchkin: str) -> SimulatedAccount:
    """The token's account. Only the header is read; a token in the query is ignored."""
    account = select_tenant(request, provider, munchkin)
    faults.apply_faults(request, provider, account)
    rows = SimulatedToken.objects.filter(value=bearer_token(request), grant__account=account)
    token = rows.first()
    if token is None or token.grant.revoked:
        raise SimulatedResponse(api_error("601", "Access token invalid"))
    if token.expires_at and token.expires_at <= now():
        raise SimulatedResponse(api_error("602", "Access token expired"))
    if account.has("deny_access"):
        raise SimulatedResponse(api_error("603", "Access denied"))
    if account.has("use_up_daily_quota"):
        raise SimulatedResponse(api_error("607", "Daily API Request quota of 50000 reached"))
    count_call(provider, account.external_id, allowed=100, seconds=20)
    account.data["calls"] += 1
    account.save(update_fields=["data"])
    return account


@provider.route("GET", HOST, r"/rest/v1/stats/usage\.json")
def usage(request: HttpRequest, munchkin: str) -> HttpResponse:
    account = caller(request, munchkin)
    calls = account.data["calls"]
    users = [{"userId": account.data["api_user"], "count": calls}]
    day = {"date": now().date().isoformat(), "total": calls, "users": users}
    return answer(success=True, result=[day])


@provider.route("GET POST", HOST, r"/rest/v1/leads\.json")
def leads(request: HttpRequest, munchkin: str) -> HttpResponse:
    """A query too long for a URL is sent as a form, with `_method=GET`."""
    caller(request, munchkin)
    params = {**request.GET.dict(), **request.POST.dict()}
    if request.method == "POST" and params.get("_method") != "GET":
        return api_error("610", "Requested resource not found")
    if not params.get("filterType") or not params.get("filterValues"):
        return api_error("1003", "filterType and filterValues are required")
    names = ("Paul", "Jessica", "Leto", "Duncan", "Gurney")
    rows = [
        {"id": n, "firstName": name, "lastName": "Atreides", "email": f"{name.lower()}@arrakis.io"}
        for n, name in enumerate(names, start=1)
    ]
    start = whole_number(params.get("nextPageToken"), 0)
    size = whole_number(params.get("batchSize"), 300, 300)
    more = start + size < len(rows)
    following = {"nextPageToken": str(start + size), "moreResult": True} if more else {}
    return answer(success=True, result=rows[start : start + size], **following)
