"""What the simulated Salesforce's endpoints share: seed data, errors, My Domains."""

from django.http import HttpResponse, JsonResponse

from sequin_admin.simulator import seed
from sequin_admin.simulator.framework import ProviderSimulator
from sequin_admin.simulator.models import SimulatedAccount

LOGIN = r"(?:login|test)\.salesforce\.com"
# Sandboxes (`name--uat.sandbox`), developers' and other organizations, and those of the military.
MY = r"(?:\.(?:sandbox|develop|scratch|trailblaze|demo))?\.my\.salesforce\.(?:com|mil)"
DOMAIN = rf"(?P<domain>[a-z0-9-]+){MY}"
ANY = rf"{LOGIN}|[a-z0-9-]+{MY}"


def api_error(status: int, code: str, message: str) -> HttpResponse:
    return JsonResponse([{"errorCode": code, "message": message}], status=status, safe=False)


def throttled() -> HttpResponse:
    return api_error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


def plant() -> None:
    seed.create_client("salesforce", client_id="3MVGSimulatedExternalClientApp", staged_secret="")
    seed.create_account(
        "salesforce", "00D5g000004ArrakEA", "Arrakis", domain="arrakis", user="0055g00001A"
    )
    seed.create_account(
        "salesforce", "00D5g000004GiediEA", "Giedi Prime", domain="giedi", user="0055g00001B"
    )


provider = ProviderSimulator(
    "salesforce",
    "Salesforce",
    scopes=("api", "refresh_token", "id"),
    switches=(
        "disable_user",
        "disable_api",
        "restrict_address",
        "rotate_refresh_tokens",
        "break_signature",
        "foreign_login_host",
        "move_organization",
    ),
    seed=plant,
    throttled=throttled,
)


def domain_of(account: SimulatedAccount) -> str:
    """Its My Domain. A moved organization has another one and is no longer served at the old."""
    domain = str(account.data["domain"])
    return f"{domain}-moved" if account.has("move_organization") else domain
