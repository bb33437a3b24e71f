"""CheckoutChamp as providers.md section 3 describes it: everything comes with HTTP 200."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.sandbox import faults, seed
from sequin_admin.sandbox.framework import Provider
from sequin_admin.sandbox.models import Account

API = r"api\.(?:checkoutchamp|konnektive)\.com"
LOCKED_AFTER = 10


def error(message: str) -> HttpResponse:
    return JsonResponse({"result": "ERROR", "message": message})


def plant() -> None:
    seed.account("checkout_champ", "user123", "Arrakis shop", password="password123", failures=0)
    seed.account("checkout_champ", "feyd77", "Giedi Prime shop", password="harkonnen", failures=0)


provider = Provider(
    "checkout_champ",
    "CheckoutChamp",
    switches=("change_password", "disable_user"),
    seed=plant,
    throttled=lambda: HttpResponse(status=429, headers={"Retry-After": "30"}),
)


@provider.route("GET POST", API, r"/(?P<thing>[a-z]+)/(?P<action>[a-z]+)/?")
def call(request: HttpRequest, thing: str, action: str) -> HttpResponse:
    given = request.POST if request.method == "POST" else request.GET
    login = given.get("loginId", "")
    account = Account.objects.filter(provider="checkout_champ", external_id=login).first()
    if account is None:
        return error("Invalid login ID or password")
    faults.strike(request, provider, account)
    if account.has("disable_user") or account.data["failures"] >= LOCKED_AFTER:
        return error("This API user is not authorized: the login is locked")
    if given.get("password") != account.data["password"]:
        account.data["failures"] += 1
        account.save(update_fields=["data"])
        return error("Invalid login ID or password")
    if (thing, action) != ("campaign", "query"):
        return error(f"No {thing} matching those parameters could be found")
    size = min(int(given.get("resultsPerPage", 25)), 200)
    campaigns = [{"campaignId": n, "campaignName": f"Campaign {n}"} for n in range(1, 4)]
    page = {"totalResults": 3, "resultsPerPage": size, "page": 1, "data": campaigns[:size]}
    return JsonResponse({"result": "SUCCESS", "message": page})
