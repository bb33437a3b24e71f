"""The simulated HubSpot's API: the account, and pages of contacts."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults
from sequin_admin.simulator.calls import state_of
from sequin_admin.simulator.framework import SimulatedResponse, bearer_token
from sequin_admin.simulator.limits import count_call
from sequin_admin.simulator.models import SimulatedAccount, SimulatedGrant, SimulatedToken, now
from sequin_admin.simulator.providers.hubspot.common import (
    API,
    LIMIT,
    WINDOW_S,
    allowed_scopes,
    api_error,
    daily_limit_reached,
    limit_headers,
    provider,
)
from sequin_admin.simulator.providers.hubspot.oauth import server

NAMES = ("Paul", "Jessica", "Leto", "Duncan", "Gurney")


def caller(request: HttpRequest) -> SimulatedGrant:
    """The token's grant; counts the call and sets the rate limit headers."""
    value = bearer_token(request)
    token = server.find_access_token(value)
    if token is None:
        known = SimulatedToken.objects.filter(value=value).exists()
        category = "EXPIRED_AUTHENTICATION" if known else "INVALID_AUTHENTICATION"
        message = "The OAuth token used to make this call is expired or invalid."
        raise SimulatedResponse(api_error(401, category, message))
    account: SimulatedAccount = token.grant.account
    faults.apply_faults(request, provider, account)
    if account.has("use_up_day"):
        raise SimulatedResponse(daily_limit_reached())
    left = count_call(provider, account.external_id, allowed=LIMIT, seconds=WINDOW_S)
    state_of(request).response_headers = limit_headers(left)
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
    if "crm.objects.contacts.read" not in allowed_scopes(grant):
        context = {"requiredGranularScopes": ["crm.objects.contacts.read"]}
        return api_error(
            403,
            "MISSING_SCOPES",
            "This app hasn't been granted all required scopes",
            errors=[{"context": context}],
        )
    people = [person(n, name) for n, name in enumerate(NAMES, start=1)]
    start, size = int(request.GET.get("after", 0)), int(request.GET.get("limit", 10))
    page: dict[str, Any] = {"results": people[start : start + size]}
    if start + size < len(people):
        page["paging"] = {"next": {"after": str(start + size)}}
    return JsonResponse(page)


def person(number: int, name: str) -> dict[str, Any]:
    made = now().strftime("%Y-%m-%dT%H:%M:%S.000Z")
    known = {"firstname": name, "lastname": "Atreides", "hs_object_id": str(number)}
    times = {"createdAt": made, "updatedAt": made, "archived": False}
    return {"id": str(number), "properties": known, **times}
