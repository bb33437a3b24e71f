"""Simulated SendGrid: keys that name their scopes, two regions."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults, seed
from sequin_admin.simulator.framework import ProviderSimulator, SimulatedResponse, bearer_token
from sequin_admin.simulator.limits import count_call
from sequin_admin.simulator.models import Hit, SimulatedAccount, now

HOST = r"(?P<host>api(?:\.eu)?\.sendgrid\.com)"
REGIONS = {"api.sendgrid.com": "global", "api.eu.sendgrid.com": "eu"}
FULL = ["mail.send", "marketing.read", "user.account.read", "user.username.read"]
RESTRICTED = ["mail.send", "marketing.read"]
LIMIT, WINDOW_S = 600, 60


def api_error(status: int, message: str) -> HttpResponse:
    body = {"errors": [{"message": message, "field": None, "help": None}]}
    return JsonResponse(body, status=status)


def throttled() -> HttpResponse:
    return with_limit_headers(api_error(429, "too many requests"), 0)


def with_limit_headers(response: HttpResponse, remaining: int) -> HttpResponse:
    """Set the rate limit headers, which every response has."""
    response["X-RateLimit-Limit"] = str(LIMIT)
    response["X-RateLimit-Remaining"] = str(remaining)
    reset = now() + timedelta(seconds=WINDOW_S)
    response["X-RateLimit-Reset"] = str(int(reset.timestamp()))
    return response


def plant() -> None:
    for external_id, name, region in (
        ("arrakis", "Arrakis", "global"),
        ("giedi-prime", "Giedi Prime", "eu"),
    ):
        mark = external_id.replace("-", "").ljust(22, "0")
        seed.create_account(
            "sendgrid",
            external_id,
            name,
            region=region,
            user_id=10191 if region == "global" else 10192,
            full_key=f"SG.{mark}.{'f' * 43}",
            restricted_key=f"SG.{mark}.{'r' * 43}",
        )


provider = ProviderSimulator(
    "sendgrid",
    "SendGrid",
    switches=("roll_key", "restrict_account", "block_for_a_while"),
    seed=plant,
    throttled=throttled,
)


def caller(request: HttpRequest, host: str) -> tuple[SimulatedAccount, list[str]]:
    """The key's account and scopes. A key is valid in its own region only."""
    key = bearer_token(request)
    if not key:
        raise SimulatedResponse(api_error(401, "authorization required"))
    account, scopes = find_key(key, REGIONS[host])
    faults.apply_faults(request, provider, account)
    if account.has("block_for_a_while"):
        raise SimulatedResponse(api_error(403, "access temporarily blocked: too many bad requests"))
    if account.has("restrict_account"):
        raise SimulatedResponse(api_error(403, "access forbidden"))
    count_call(provider, account.external_id, allowed=LIMIT, seconds=WINDOW_S)
    return account, scopes


def find_key(key: str, region: str) -> tuple[SimulatedAccount, list[str]]:
    """The account of an API key, and the scopes of the key. Raises `SimulatedResponse` (401)."""
    for account in SimulatedAccount.objects.filter(provider="sendgrid", data__region=region):
        if key == account.data["full_key"]:
            return account, FULL
        if key == account.data["restricted_key"]:
            return account, RESTRICTED
    refused = "The provided authorization grant is invalid, expired, or revoked"
    raise SimulatedResponse(api_error(401, refused))


def with_remaining_calls(account: SimulatedAccount, body: dict[str, object]) -> HttpResponse:
    since = now() - timedelta(seconds=WINDOW_S)
    used = Hit.objects.filter(key=f"sendgrid:{account.external_id}", at__gt=since).count()
    return with_limit_headers(JsonResponse(body), LIMIT - used)


def require_scope(scopes: list[str], scope: str) -> None:
    """Raises `SimulatedResponse` (403)."""
    if scope not in scopes:
        raise SimulatedResponse(api_error(403, "access forbidden"))


@provider.route("GET", HOST, r"/v3/scopes")
def scopes_of(request: HttpRequest, host: str) -> HttpResponse:
    account, scopes = caller(request, host)
    return with_remaining_calls(account, {"scopes": scopes})


@provider.route("GET", HOST, r"/v3/user/username")
def username(request: HttpRequest, host: str) -> HttpResponse:
    account, scopes = caller(request, host)
    require_scope(scopes, "user.username.read")
    known = {"username": account.external_id, "user_id": account.data["user_id"]}
    return with_remaining_calls(account, known)


@provider.route("GET", HOST, r"/v3/user/account")
def user_account(request: HttpRequest, host: str) -> HttpResponse:
    account, scopes = caller(request, host)
    require_scope(scopes, "user.account.read")
    return with_remaining_calls(account, {"type": "paid", "reputation": 99.7})


@provider.route("GET", HOST, r"/v3/marketing/contacts")
def contacts(request: HttpRequest, host: str) -> HttpResponse:
    account, scopes = caller(request, host)
    require_scope(scopes, "marketing.read")
    names = ("paul", "jessica", "leto", "duncan", "gurney")
    rows = [{"id": f"{n:08d}", "email": f"{name}@arrakis.io"} for n, name in enumerate(names)]
    return with_remaining_calls(account, {"result": rows, "contact_count": len(rows)})
