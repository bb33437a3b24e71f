"""The simulated HubSpot's API: who calls, and the account."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults
from sequin_admin.simulator.calls import state_of
from sequin_admin.simulator.framework import SimulatedResponse, bearer_token
from sequin_admin.simulator.limits import count_call
from sequin_admin.simulator.models import SimulatedAccount, SimulatedGrant, SimulatedToken
from sequin_admin.simulator.providers.hubspot.common import (
    API,
    LIMIT,
    WINDOW_S,
    api_error,
    daily_limit_reached,
    limit_headers,
    provider,
)
from sequin_admin.simulator.providers.hubspot.oauth import server


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
            "additionalCurrencies": [],
            "utcOffset": "+00:00",
            "utcOffsetMilliseconds": 0,
            "dataHostingLocation": "na1",
        }
    )
