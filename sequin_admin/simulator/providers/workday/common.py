"""What the simulated Workday's endpoints share: seed data, hosts, errors."""

import secrets

from django.http import HttpResponse, JsonResponse

from sequin_admin.simulator import seed
from sequin_admin.simulator.framework import ProviderSimulator
from sequin_admin.simulator.models import SimulatedGrant, SimulatedToken

HOST = r"[a-z0-9-]+\.(?:workday|myworkday)\.com"
LOGIN_HOST = r"impl\.workday\.com|wd5\.myworkday\.com"
TENANT = r"(?P<tenant>[A-Za-z0-9][A-Za-z0-9_-]*)"
PEOPLE = ("Paul Atreides", "Jessica Atreides", "Leto Atreides", "Duncan Idaho", "Gurney Halleck")


def api_error(status: int, message: str) -> HttpResponse:
    return JsonResponse({"error": message, "errors": [{"error": message}]}, status=status)


def plant() -> None:
    for tenant, name, host, login_host in (
        ("arrakis_dpt1", "Arrakis", "wd2-impl-services1.workday.com", "impl.workday.com"),
        ("giedi_prime1", "Giedi Prime", "wd5-services1.myworkday.com", "wd5.myworkday.com"),
    ):
        client = seed.create_client(
            "workday",
            tenant,
            client_id=f"{tenant}-api-client",
            host=host,
            tenant=tenant,
            refresh_token=secrets.token_urlsafe(32),
            authorization_endpoint=f"https://{login_host}/{tenant}/authorize",
        )
        login = {"username": f"ISU_Sequin@{tenant}", "password": f"spice-{tenant}"}
        account = seed.create_account("workday", tenant, name, host=host, **login)
        grant = SimulatedGrant.objects.create(client=client, account=account)
        SimulatedToken.issue(
            grant, SimulatedToken.REFRESH, "", None, value=client.extra["refresh_token"]
        )


provider = ProviderSimulator(
    "workday",
    "Workday",
    scopes=("Staffing", "Tenant Non-Configurable"),
    switches=(
        "drop_scope",
        "change_password",
        "disable_user",
        "rotate_secret",
        "rotate_refresh_token",
    ),
    seed=plant,
    throttled=lambda: api_error(429, "Too many requests"),
)
