"""What the simulated Stripe's endpoints share: seed data and errors."""

from django.http import HttpResponse, JsonResponse

from sequin_admin.simulator import seed
from sequin_admin.simulator.framework import ProviderSimulator

APPS = "stripe-apps"  # the Stripe App's `owner` on the developer page


def api_error(status: int, type_: str, message: str, code: str = "") -> HttpResponse:
    error = {"type": type_, "message": message} | ({"code": code} if code else {})
    return JsonResponse({"error": error}, status=status)


def throttled() -> HttpResponse:
    message = "Request rate limit exceeded."
    response = api_error(429, "invalid_request_error", message, "rate_limit")
    response["Stripe-Rate-Limited-Reason"] = "global-rate"
    return response


def plant() -> None:
    seed.create_client(
        "stripe", client_id="ca_SimulatedStripePlatform", client_secret="sk_test_platformsimulated"
    )
    seed.create_client(
        "stripe",
        APPS,
        client_id="ca_SimulatedStripeApp",
        client_secret="sk_test_appsimulated",
        app_type="apps",
    )
    seed.create_account(
        "stripe",
        "acct_1Arrakis0000001",
        "Arrakis",
        email="paul@arrakis.io",
        secret_key="sk_test_arrakis0000000000000001",
        restricted_key="rk_test_arrakis0000000000000001",
        live_key="sk_live_arrakis0000000000000001",
    )
    seed.create_account(
        "stripe",
        "acct_1GiediPrime00002",
        "Giedi Prime",
        email="feyd@giedi-prime.net",
        secret_key="sk_test_giediprime000000000000002",
        restricted_key="rk_test_giediprime000000000000002",
        live_key="sk_live_giediprime000000000000002",
    )


provider = ProviderSimulator(
    "stripe",
    "Stripe",
    scopes=("read_write",),
    switches=("expire_key", "roll_key"),
    secret_prefix="sk_test_platform",
    seed=plant,
    throttled=throttled,
)
