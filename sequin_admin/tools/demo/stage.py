"""Where the demo is made: at a moment of the past, by our clock and the simulator's alike."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction
from django.db.models import Model

from sequin_admin.access.models import Organization, User
from sequin_admin.connect import credential_operations, flow
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.demo.models import Demo, mark
from sequin_admin.health import probes
from sequin_admin.tools.demo import accounts
from sequin_admin.tools.demo.customers import Place
from sequin_admin.tools.simulator import SimulatorControl

BROWSER = "demo"


class NotConnected(Exception):
    """The simulator did not let an account of the demo be connected. `str()` says why."""


class Stage:
    """The demo's organization and simulator, and the moment at which things happen."""

    def __init__(self, demo: Demo, simulator: SimulatorControl) -> None:
        self.demo, self.simulator = demo, simulator
        self.organization: Organization = demo.organization
        self.began = clock.now()
        self.colleagues: list[User] = []
        self.apps: dict[str, OAuthApp] = {}
        self.credentials: dict[Place, Credential] = {}
        # By how much the simulator's clock differs from real time.
        self.shift_s = 0.0
        self.seeded = dict[str, str]()

    @contextmanager
    def at(self, moment: datetime, *, simulated: datetime | None = None) -> Iterator[None]:
        """Our clock shows `moment` in the block, the simulator's shows `simulated`, if given."""
        if simulated:
            shift_s = (simulated - clock.now()).total_seconds()
            self.simulator.post("clock", advance_s=shift_s - self.shift_s)
            self.shift_s = shift_s
        with clock.at(moment):
            yield

    def reset_simulator_clock(self) -> None:
        self.simulator.post("clock", advance_s=None)
        self.shift_s = 0.0

    @contextmanager
    def marking(self) -> Iterator[list[Model]]:
        """A transaction that marks the rows which the block adds to the list."""
        with transaction.atomic():
            made: list[Model] = []
            yield made
            mark(self.demo, *made)

    def connect(
        self, place: Place, *, actor: User | None = None, link: ConnectLink | None = None
    ) -> Credential:
        """Connect the customer's account as a person or, with a link, the customer would."""
        kind = kinds.get(place.kind)
        account = accounts.add_account(self.simulator, place, self.first_account(kind.provider))
        values = accounts.entered(self.simulator, place, account)
        if kind.oauth:
            credential = self.allow(place, account, values, actor=actor, link=link)
        else:
            credential = credential_operations.save_credential(
                self.organization,
                kind.properties_class.model_validate({"kind": kind.slug, **values}),
                name=place.customer.name,
                metadata=place.customer.metadata,
                actor=actor,
            ).credential
        mark(self.demo, credential)
        contact = place.customer.contact
        credential_operations.update_details(credential, actor=actor, contact_email=contact)
        probes.verify(credential)
        credential.refresh_from_db()
        self.credentials[place] = credential
        return credential

    def allow(
        self,
        place: Place,
        account: str,
        values: dict[str, object],
        *,
        actor: User | None,
        link: ConnectLink | None,
    ) -> Credential:
        """Go to the provider's consent page, press Allow, come back. Raises `NotConnected`."""
        kind = kinds.get_oauth(place.kind)
        url = flow.start(
            self.organization,
            kind,
            session_key=BROWSER,
            user=None if link else actor,
            link=link,
            oauth_app=self.app_for(place, link) if kind.client_is_ours() else None,
            inputs=values,
            name=place.customer.name,
            details={} if link else {"metadata": place.customer.metadata},
        )
        callback = self.simulator.consent(self.simulator.local(url), account)
        session = flow.finish(
            callback,
            user=None if link else actor,
            session_key=BROWSER,
            provider=kind.provider,
        )
        if session.credential is None:
            raise NotConnected(f"{place.kind} of {place.customer.name}: {session.failure}")
        return session.credential

    def app_for(self, place: Place, link: ConnectLink | None) -> OAuthApp:
        """The link's app, or the second one of the provider, for those who came first."""
        if link and link.oauth_app:
            return link.oauth_app
        provider = kinds.get(place.kind).provider
        former = self.apps.get(f"{provider}:former")
        others = [row for row in self.credentials.values() if row.oauth_app == former]
        return former if former and len(others) < 2 else self.apps[provider]

    def account_of(self, place: Place) -> str:
        """The account's id at the simulator."""
        provider = kinds.get(place.kind).provider
        return str(accounts.ACCOUNTS[provider](place.customer)["id"])

    def first_account(self, provider: str) -> str:
        """An account that the simulator began with."""
        if provider not in self.seeded:
            rows = self.simulator.get(f"{provider}/accounts")["data"]
            self.seeded[provider] = str(rows[0]["id"])
        return self.seeded[provider]
