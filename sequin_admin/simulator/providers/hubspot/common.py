"""What the simulated HubSpot's endpoints share: seed data, errors and limits."""

import uuid
from typing import Any

from django.http import HttpResponse, JsonResponse

from sequin_admin.simulator import seed
from sequin_admin.simulator.framework import ProviderSimulator
from sequin_admin.simulator.models import SimulatedGrant

API = r"api\.hubapi\.com"
DATED = r"(?:v3|\d{4}-\d{2})"
LIMIT, WINDOW_S = 110, 10


def api_error(status: int, category: str, message: str, **more: Any) -> HttpResponse:
    body = {
        "status": "error",
        "message": message,
        "correlationId": str(uuid.uuid4()),
        "category": category,
    }
    return JsonResponse({**body, **more}, status=status)


def throttled() -> HttpResponse:
    response = api_error(
        429,
        "RATE_LIMITS",
        "You have reached your ten_secondly_rolling limit.",
        errorType="RATE_LIMIT",
        policyName="TEN_SECONDLY_ROLLING",
    )
    for name, value in limit_headers(0).items():
        response[name] = value
    return response


def daily_limit_reached() -> HttpResponse:
    message = "You have reached your daily limit."
    policy = {"errorType": "RATE_LIMIT", "policyName": "DAILY"}
    return api_error(429, "RATE_LIMITS", message, **policy)


def limit_headers(left: int) -> dict[str, str]:
    return {
        "X-HubSpot-RateLimit-Max": str(LIMIT),
        "X-HubSpot-RateLimit-Remaining": str(left),
        "X-HubSpot-RateLimit-Interval-Milliseconds": str(WINDOW_S * 1000),
    }


def plant() -> None:
    seed.create_client("hubspot", client_id="5c2e8a6f-0b51-4f0e-9d6c-hubspot-simulated")
    seed.create_account("hubspot", "21902692", "arrakis.io", hub_domain="arrakis.io", user_id=2190)
    seed.create_account(
        "hubspot", "33011844", "giedi-prime.net", hub_domain="giedi-prime.net", user_id=33
    )


provider = ProviderSimulator(
    "hubspot",
    "HubSpot",
    scopes=("oauth", "tickets", "crm.lists.read", "crm.objects.contacts.read"),
    switches=("uninstall", "drop_scope", "use_up_day", "hide_domain"),
    seed=plant,
    throttled=throttled,
)


def allowed_scopes(grant: SimulatedGrant) -> list[str]:
    """Scopes in effect; `drop_scope` removes all but `oauth`."""
    dropped = grant.account.has("drop_scope")
    return [scope for scope in grant.scopes if scope == "oauth" or not dropped]
