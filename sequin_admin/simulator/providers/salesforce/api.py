"""The simulated Salesforce's API: identity, limits and queries."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults
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
    """The grant of the bearer token; counts the call. Raises `SimulatedResponse`."""
    token = server.find_access_token(bearer_token(request))
    if token is None:
        raise SimulatedResponse(api_error(401, "INVALID_SESSION_ID", "Session expired or invalid"))
    account = token.grant.account
    faults.apply_faults(request, provider, account)
    count_call(provider, account.external_id, allowed=15_000, seconds=86_400)
    return token.grant
