"""`manage.py demo`: an organization to play with, filled from the provider simulator."""

import secrets
from typing import Any

import httpx2
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from sequin_admin.access.models import Membership, Organization, User
from sequin_admin.access.policy import Role
from sequin_admin.connect import accounts
from sequin_admin.credentials import kinds, oauth_apps
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.health import probes

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
        for provider in filter(kinds.oauth_of, kinds.providers()):
            make_app(organization, provider)
        for properties in keys():
            parsed = kinds.get(properties["kind"]).properties_class.model_validate(properties)
            credential, _ = accounts.save(organization, parsed, actor=None)
            probes.verify(credential)
        # Last, as the sign that all of it is there: a run that was cut off goes on here.
        make_login(organization)


def make_login(organization: Organization) -> None:
    """A demo owner with a random password, kept beside the database so that it can be printed."""
    password = secrets.token_urlsafe(9)
    LOGIN.parent.mkdir(parents=True, exist_ok=True)
    LOGIN.touch(mode=0o600)
    LOGIN.write_text(f"{EMAIL}   {password}\n")
    with transaction.atomic():
        user = User.objects.create_superuser(username=EMAIL, email=EMAIL, password=password)
        Membership.objects.create(organization=organization, user=user, role=Role.OWNER)


def make_app(organization: Organization, provider: str) -> None:
    """What a person copies from the simulator's developer page."""
    if OAuthApp.objects.of(organization).filter(provider=provider).exists():
        return
    known = ask(f"{provider}/app")
    flow_of_provider = kinds.oauth_of(provider)
    assert flow_of_provider is not None  # noqa: S101 - the caller has looked
    declared = flow_of_provider.app
    oauth_apps.create(
        organization,
        provider,
        name=f"{kinds.providers()[provider]} (simulated)",
        client_id=known["client_id"],
        properties=declared.model_validate({n: known[n] for n in declared.names() if n in known}),
        actor=None,
    )


def keys() -> list[dict[str, Any]]:
    """The simulator's own Stripe key and CheckoutChamp login."""
    stripe = ask("stripe/accounts")["data"][0]
    champ = ask("checkout_champ/accounts")["data"][0]
    secret = stripe["secret_key"]
    return [
        {"kind": "stripe_key", "name": f"{stripe['name']} [TEST]", "secret": secret, "test": True},
        {
            "kind": "checkout_champ_password",
            "login_id": champ["id"],
            "password": champ["password"],
        },
    ]


def ask(path: str) -> Any:
    """The simulator's control API: a tool on this machine, not a provider behind the door."""
    url = f"{settings.SIMULATOR_URL}/control-api/{path}"
    return httpx2.get(url, timeout=10, trust_env=False).json()
