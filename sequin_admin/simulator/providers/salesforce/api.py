"""The simulated Salesforce's API: who calls, identity and limits."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults
from sequin_admin.simulator.calls import state_of
from sequin_admin.simulator.framework import SimulatedResponse, bearer_token
from sequin_admin.simulator.limits import count_call
from sequin_admin.simulator.models import SimulatedAccount, SimulatedGrant
from sequin_admin.simulator.providers.salesforce.common import (
    DOMAIN,
    api_error,
    domain_of,
    provider,
)
from sequin_admin.simulator.providers.salesforce.oauth import server

DAILY = 15_000


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
    daily = {"Max": DAILY, "Remaining": state_of(request).calls_left}
    return with_usage_header(request, JsonResponse({"DailyApiRequests": daily}))


def with_usage_header(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """How many of the day's calls are used: by all of the organization's apps, and by ours."""
    used = DAILY - state_of(request).calls_left
    response["Sforce-Limit-Info"] = (
        f"api-usage={used}/{DAILY}; per-app-api-usage={used}/250(appName=Sequin Admin)"
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
    """The grant of the bearer token; counts the call. Raises `SimulatedResponse`."""
    token = server.find_access_token(bearer_token(request))
    if token is None:
        raise SimulatedResponse(api_error(401, "INVALID_SESSION_ID", "Session expired or invalid"))
    account = token.grant.account
    faults.apply_faults(request, provider, account)
    left = count_call(provider, account.external_id, allowed=DAILY, seconds=86_400)
    state_of(request).calls_left = left
    return token.grant
