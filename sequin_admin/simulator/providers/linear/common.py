"""What the simulated Linear's endpoints share: seed data, errors and limits."""

from datetime import timedelta

from django.http import HttpResponse, JsonResponse

from sequin_admin.simulator import seed
from sequin_admin.simulator.framework import ProviderSimulator
from sequin_admin.simulator.models import now

API = r"api\.linear\.app"
HOURLY = 5000


def graphql_error(status: int, type_: str, code: str, message: str) -> HttpResponse:
    extensions = {"type": type_, "code": code, "userPresentableMessage": message}
    body = {"errors": [{"message": message, "extensions": extensions}]}
    return JsonResponse(body, status=status)


def limit_headers(name: str, most: float, left: float) -> dict[str, str]:
    """The time of the reset, when nothing of the limit is used any more, is in milliseconds."""
    reset = now() + timedelta(hours=(most - left) / most)
    start = f"X-RateLimit-{name}"
    told = {"Limit": most, "Remaining": left, "Reset": reset.timestamp() * 1000}
    return {f"{start}-{word}": str(int(value)) for word, value in told.items()}


def throttled() -> HttpResponse:
    response = graphql_error(400, "ratelimited", "RATELIMITED", "Rate limit exceeded")
    for name, value in limit_headers("Requests", HOURLY, 0).items():
        response[name] = value
    return response


def plant() -> None:
    seed.create_client("linear", client_id="linear-simulated-client")
    seed.create_account(
        "linear", "abc123", "Arrakis Inc.", url_key="arrakis", viewer="Paul Atreides"
    )
    seed.create_account(
        "linear", "def456", "Giedi Prime Ltd.", url_key="giedi", viewer="Feyd-Rautha"
    )


provider = ProviderSimulator(
    "linear",
    "Linear",
    scopes=("read", "write", "issues:create"),
    switches=("spend_refresh", "drop_scope", "disable_user", "legacy_app"),
    seed=plant,
    throttled=throttled,
)
