"""Simulated CheckoutChamp: every response has HTTP 200."""

import json
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse

from sequin_admin.simulator import faults, seed
from sequin_admin.simulator.framework import ProviderSimulator, SimulatedResponse, whole_number
from sequin_admin.simulator.models import Hit, SimulatedAccount, now

API = r"api\.(?:checkoutchamp|konnektive)\.com"
LOCKED_AFTER, MOST_PER_PAGE = 10, 200
CAMPAIGNS, ORDERS = 3, 250


def reply(result: str, message: object) -> HttpResponse:
    """The JSON envelope of every response, sent as text/html."""
    body = json.dumps({"result": result, "message": message})
    return HttpResponse(body, content_type="text/html; charset=UTF-8")


def error(message: str) -> HttpResponse:
    return reply("ERROR", message)


def plant() -> None:
    seed.create_account("checkout_champ", "user123", "Arrakis shop", password="password123")
    seed.create_account("checkout_champ", "feyd77", "Giedi Prime shop", password="harkonnen")


provider = ProviderSimulator(
    "checkout_champ",
    "CheckoutChamp",
    switches=("change_password", "disable_user", "restrict_address"),
    seed=plant,
    throttled=lambda: HttpResponse(status=429, headers={"Retry-After": "30"}),
)


def caller(given: dict[str, str], request: HttpRequest) -> SimulatedAccount:
    """The account of the login. Ten failures in a row lock the user."""
    rows = SimulatedAccount.objects.filter(
        provider="checkout_champ", external_id=given.get("loginId", "")
    )
    account = rows.first()
    if account is None:
        raise SimulatedResponse(error("Invalid login ID or password"))
    faults.apply_faults(request, provider, account)
    if account.has("restrict_address"):
        raise SimulatedResponse(error("Your IP address is not on the whitelist of this user"))
    failures = Hit.objects.filter(key=f"checkout_champ:{account.external_id}:refused")
    if account.has("disable_user") or failures.count() >= LOCKED_AFTER:
        raise SimulatedResponse(error("This API user is not authorized: the login is locked"))
    if given.get("password") != account.data["password"]:
        Hit.objects.create(key=f"checkout_champ:{account.external_id}:refused", at=now())
        raise SimulatedResponse(error("Invalid login ID or password"))
    failures.delete()
    return account


@provider.route("GET POST", API, r"/(?P<thing>[a-z]+)/(?P<action>[a-z]+)/?")
def call(request: HttpRequest, thing: str, action: str) -> HttpResponse:
    given = (request.POST if request.method == "POST" else request.GET).dict()
    caller(given, request)
    if (thing, action) == ("campaign", "query"):
        return page(given, [campaign(n) for n in range(1, CAMPAIGNS + 1)])
    if (thing, action) == ("order", "query"):
        return page(given, [order(n) for n in range(1, ORDERS + 1)])
    return error(f"No {thing} matching those parameters could be found")


def campaign(number: int) -> dict[str, Any]:
    return {"campaignId": number, "campaignName": f"Campaign {number}"}


def order(number: int) -> dict[str, Any]:
    """Dates are written M/D/YY."""
    day = now() - timedelta(days=number)
    created = f"{day.month}/{day.day}/{day:%y}"
    return {"orderId": f"{number:010d}", "orderStatus": "COMPLETE", "dateCreated": created}


def page(given: dict[str, str], rows: list[dict[str, Any]]) -> HttpResponse:
    number, size = given.get("page", "1"), given.get("resultsPerPage", "25")
    here, most = whole_number(number, 0), whole_number(size, 0, MOST_PER_PAGE)
    if not (here and most):
        return error("page and resultsPerPage must be numbers above 0")
    start = (here - 1) * most
    totals = {"totalResults": len(rows), "resultsPerPage": most, "page": here}
    return reply("SUCCESS", {**totals, "data": rows[start : start + most]})
