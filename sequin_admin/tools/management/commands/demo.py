"""`manage.py demo`: creates a demo organization with credentials from the provider simulator."""

import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from sequin_admin.access.models import Membership, Organization, User
from sequin_admin.access.policy import Role
from sequin_admin.connect import credential_operations
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.health import probes
from sequin_admin.syncs import consumers, reports, streams, syncs, targets
from sequin_admin.syncs.models import Target
from sequin_admin.tools.simulator import SimulatorControl

LOGIN = settings.DATA_DIR / "demo-login"
EMAIL = "demo@sequin-admin.test"


class Command(BaseCommand):
    help = "Make the demo organization and its login, once. Needs SIMULATOR_URL."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SIMULATOR_URL:
            raise CommandError(
                "Demo data comes from the simulator: set SIMULATOR_URL, or make run."
            )
        if User.objects.filter(email=EMAIL).exists():
            self.stdout.write("The demo organization is there already.")
            return
        organization, _ = Organization.objects.get_or_create(
            slug="arrakis", defaults={"name": "Arrakis"}
        )
        with SimulatorControl(settings.SIMULATOR_URL) as simulator:
            fill(organization, simulator)
        # Last, as it marks the demo data as complete: an interrupted run can be repeated.
        make_login(organization)


def fill(organization: Organization, simulator: SimulatorControl) -> None:
    """Create an OAuth app for each provider, working credentials, and syncs."""
    for kind in filter(None, map(kinds.with_app, kinds.providers())):
        if not OAuthApp.objects.of(organization).filter(provider=kind.provider).exists():
            simulator.register(organization, kind)
    for properties in simulator_credentials(simulator):
        parsed = kinds.get(properties["kind"]).properties_class.model_validate(properties)
        credential = credential_operations.save_credential(
            organization, parsed, actor=None
        ).credential
        probes.verify(credential)
    if not Target.objects.of(organization).exists():
        make_syncs(organization)


@transaction.atomic
def make_syncs(organization: Organization) -> None:
    """Create syncs of those accounts to a target that does not exist, so its test fails."""
    target = targets.create(
        organization,
        actor=None,
        name="Warehouse",
        host="warehouse.arrakis.example",
        port=5432,
        database="analytics",
        username="sequin",
        password=secrets.token_urlsafe(24),
        ssl_mode="require",
        schema="records",
    )
    dev, prod = (streams.create(organization, actor=None, slug=slug) for slug in ("dev", "prod"))
    stripe = Credential.objects.of(organization).get(kind="stripe_key")
    champ = Credential.objects.of(organization).get(kind="checkout_champ_password")
    chosen = [
        (stripe, prod, "Billing", ["customer", "subscription", "invoice"], "continuous"),
        (stripe, prod, "Payouts, nightly", ["payout", "balance_transaction"], "1d"),
        (champ, dev, "Shop orders", ["order", "customer"], "30m"),
    ]
    made = [
        syncs.create(
            credential,
            actor=None,
            stream=stream,
            name=name,
            collection_ids=[f"{credential.provider}:{collection}" for collection in collections],
            sync_frequency=frequency,
        )
        for credential, stream, name, collections, frequency in chosen
    ]
    reports.record_report(made[0], rows=18_204, lag_s=1.4, backfilled=True)
    consumers.create(
        organization, actor=None, name="Billing to the warehouse", target=target, syncs=made[:2]
    )


def make_login(organization: Organization) -> None:
    """Create the owner with a random password, which is stored in a file for `up` to print."""
    password = secrets.token_urlsafe(9)
    LOGIN.parent.mkdir(parents=True, exist_ok=True)
    LOGIN.touch(mode=0o600)
    LOGIN.write_text(f"{EMAIL}   {password}\n")
    with transaction.atomic():
        user = User.objects.create_superuser(username=EMAIL, email=EMAIL, password=password)
        Membership.objects.create(organization=organization, user=user, role=Role.OWNER)


def simulator_credentials(simulator: SimulatorControl) -> list[dict[str, Any]]:
    """Properties of the simulator's Stripe key and CheckoutChamp login."""
    stripe = simulator.get("stripe/accounts")["data"][0]
    champ = simulator.get("checkout_champ/accounts")["data"][0]
    secret = stripe["secret_key"]
    return [
        {"kind": "stripe_key", "name": f"{stripe['name']} [TEST]", "secret": secret, "test": True},
        {
            "kind": "checkout_champ_password",
            "login_id": champ["id"],
            "password": champ["password"],
        },
    ]
