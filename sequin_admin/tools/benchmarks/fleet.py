"""Creates many credentials in every state, for benchmarks."""

from django.db import connection, transaction

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.health import incidents
from sequin_admin.health.models import Incident, subject_columns
from sequin_admin.limits.models import UsageSummary

STATUSES = ("healthy", "healthy", "healthy", "customer_intervention", "")
BATCH = 5000
PLANS = ("pro", "basic", "basic", "basic", "basic")


def fill(organization: Organization, total: int) -> None:
    """Create credentials up to `total`: alternately keys and credentials of one OAuth app."""
    app, _ = OAuthApp.objects.get_or_create(
        organization=organization,
        provider="hubspot",
        defaults={"client_id": "bench", "secrets": {"client_secret": "bench"}},
    )
    have = Credential.objects.of(organization).count()
    rows = [(hubspot if n % 2 else stripe)(organization, app, n) for n in range(have, total)]
    Credential.objects.bulk_create(rows, batch_size=500)
    UsageSummary.objects.bulk_create(
        (use_of(row, number) for number, row in enumerate(rows)), batch_size=500
    )
    sick = (row for row in rows if row.health_status == "customer_intervention")
    opened = [
        Incident(
            **subject_columns(row), status=row.health_status, code="revoked", message="Revoked."
        )
        for row in sick
    ]
    for start in range(0, len(opened), BATCH):
        batch = opened[start : start + BATCH]
        with transaction.atomic():
            incidents.open_incidents(batch, [None] * len(batch), at=clock.now())
    with connection.cursor() as cursor:
        # As autovacuum would do after so many inserts.
        cursor.execute("ANALYZE")


def use_of(credential: Credential, number: int) -> UsageSummary:
    """Every credential is in use; one in seven was throttled today."""
    return UsageSummary(
        organization_id=credential.organization_id,
        credential=credential,
        provider=credential.provider,
        hour_granted=number % 3_600,
        hour_share=number % 1_000 / 1_000,
        day_granted=number % 86_400,
        day_share=number % 777 / 777,
        day_throttled=0 if number % 7 else number % 50,
    )


def stripe(organization: Organization, app: OAuthApp, number: int) -> Credential:
    account = f"acct_{number:06}"
    credential: Credential = kinds.get("stripe_key")(
        organization=organization,
        identity=account,
        properties={"account_id": account, "name": f"Account {number:06}", "test": True},
        secrets={"secret": f"sk_test_{number}"},
        **columns(number, "secret"),
    )
    return credential


def hubspot(organization: Organization, app: OAuthApp, number: int) -> Credential:
    portal = {"hub_domain": f"{number:06}.example.com", "hub_id": number, "scopes": ["oauth"]}
    credential: Credential = kinds.get("hubspot_oauth2")(
        organization=organization,
        oauth_app=app,
        identity=str(number),
        properties=portal,
        secrets={"refresh_token": f"refresh-{number}"},
        **columns(number, "refresh_token"),
    )
    return credential


def columns(number: int, secret: str) -> dict[str, object]:
    return {
        "name": f"Account {number:06}",
        "metadata": {"customer": f"c-{number:06}", "plan": PLANS[number % len(PLANS)]},
        "health_status": STATUSES[number % len(STATUSES)],
        "secret_names": [secret],
        "secrets_digest": f"{number:064}",
    }
