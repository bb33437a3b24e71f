"""What the simulated ServiceNow's endpoints share: seed data, errors, instances."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import seed
from sequin_admin.simulator.framework import ProviderSimulator, SimulatedResponse
from sequin_admin.simulator.models import SimulatedAccount, now
from sequin_admin.simulator.oauth import select_tenant

HOST = r"(?P<instance>[a-z0-9-]+)\.service-now\.com"
SCOPE = "useraccount"
HIBERNATING_PAGE = (
    "<!doctype html><title>Instance Hibernating page</title><h1>Your instance is asleep</h1>"
)


def api_error(status: int, message: str, detail: str = "") -> HttpResponse:
    error = {"message": message, "detail": detail}
    return JsonResponse({"error": error, "status": "failure"}, status=status)


def throttled() -> HttpResponse:
    response = api_error(429, "Rate limit exceeded")
    response["Retry-After"], response["X-RateLimit-Limit"] = "60", "300"
    response["X-RateLimit-Reset"] = str(int((now() + timedelta(minutes=1)).timestamp()))
    response["X-RateLimit-Rule"] = "sequin integration, per hour"
    return response


def plant() -> None:
    for instance, name in (("arrakis", "Arrakis"), ("giedi-prime", "Giedi Prime")):
        sys_id = instance.replace("-", "").ljust(32, "0")
        seed.create_account("servicenow", instance, name, user_name="sequin.sync", sys_id=sys_id)
        seed.create_client("servicenow", instance, client_id=sys_id[::-1])


provider = ProviderSimulator(
    "servicenow",
    "ServiceNow",
    scopes=(SCOPE,),
    switches=(
        "disable_user",
        "hide_users",
        "hibernate",
        "disable_client_credentials",
        "rotate_secret",
        "tell_ends",
    ),
    seed=plant,
    throttled=throttled,
)


def select_instance(request: HttpRequest, instance: str) -> SimulatedAccount:
    """The instance's account. A hibernating one answers every call with a web page."""
    account = select_tenant(request, provider, instance)
    if account.has("hibernate"):
        raise SimulatedResponse(HttpResponse(HIBERNATING_PAGE, content_type="text/html"))
    return account
