"""The credentials to torture, each connected by a trip of its own."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings

from sequin_admin.access.models import Organization, User
from sequin_admin.connect import flow
from sequin_admin.credentials import kinds
from sequin_admin.worker.simulator import Simulator


class NotEmpty(Exception):
    """The database holds somebody's data. `str()` says what to do."""


@dataclass(frozen=True)
class Herd:
    """The accounts of one kind: made like `like`, named by number."""

    like: str
    name: str
    asks: str = ""

    def account(self, number: int) -> str:
        return self.name.format(number)


# Rotating kinds, by what their accounts are called at the simulator.
HERDS = {
    "linear_oauth2": Herd("abc123", "torture{:05}"),
    "quickbooks_oauth2": Herd("4620816365001234567", "462081636600{:07}"),
    "shopify_oauth2": Herd("shop-001.myshopify.com", "torture-{:05}.myshopify.com", asks="shop"),
    "airtable_oauth2": Herd("usrziLeD23j9AJ1", "usrTorture{:05}"),
}


def make(slugs: list[str], count: int) -> None:
    """`count` connected credentials, spread over the kinds. Raises `NotEmpty`."""
    if User.objects.exists() or Organization.objects.exists():
        raise NotEmpty("This database is in use. Torture takes an empty one.")
    organization = Organization.objects.create(name="Torture", slug="torture")
    simulator = Simulator(settings.SIMULATOR_URL)
    for place, slug in enumerate(slugs):
        share = count // len(slugs) + (place < count % len(slugs))
        connect(organization, simulator, kinds.get(slug), share)


def connect(organization: Organization, simulator: Simulator, kind: Any, count: int) -> None:
    herd = HERDS[kind.slug]
    accounts = [herd.account(number) for number in range(count)]
    simulator.populate(kind.provider, herd.like, accounts)
    app = simulator.register(organization, kind)
    for account in accounts:
        asked = {herd.asks: account} if herd.asks else {}
        url = flow.start(organization, kind, session_key="torture", oauth_app=app, asked=asked)
        back = simulator.consent(url, account)
        attempt = flow.finish(back, user=None, session_key="torture", provider=kind.provider)
        if attempt.credential is None:
            raise RuntimeError(attempt.failure)
