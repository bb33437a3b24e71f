"""What the demo's people did, in the order of its times, as the audit log has it.

Everything that is audited is here, as the log is read in the order in which it was written. Health
and usage in between are `history`.
"""

import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import cycle

from sequin_admin.access import keys, members
from sequin_admin.access.models import User
from sequin_admin.access.policy import Role
from sequin_admin.connect import credential_operations, links
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.health import probes
from sequin_admin.limits.models import set_limit
from sequin_admin.notifications import channels
from sequin_admin.notifications.message import Severity
from sequin_admin.notifications.models import ChannelKind
from sequin_admin.syncs import targets
from sequin_admin.syncs.models import Sync, Target
from sequin_admin.tools.demo import pipeline
from sequin_admin.tools.demo.customers import CUSTOMERS, Place
from sequin_admin.tools.demo.scenes import Scene, SimulatorPart, part_in
from sequin_admin.tools.demo.stage import Stage

COLLEAGUES = (("liet.kynes", Role.ADMIN), ("chani", Role.MEMBER))
FORMER_OWNER = "former-app"
# What is wrong now began so long ago.
SECRET_OLD_FOR, REVOKED_FOR = timedelta(hours=5), timedelta(hours=3)
REVOKED_KIND = "linear_oauth2"
# The kind whose last customer came by a link.
LINKED_KIND, LINKED_DAYS = "hubspot_oauth2", 5
VERB_EACH = timedelta(days=2)
WORKER_KEY_SCOPES = ("read", "secrets", "permits")


class Story:
    """All scenes of a demo, and what later ones need of earlier ones."""

    def __init__(self, stage: Stage, cast: list[Place]) -> None:
        self.stage, self.cast = stage, cast
        self.start = stage.demo.began_at - timedelta(days=stage.demo.days)
        self.end = stage.demo.began_at
        self.worker_token = ""
        self.syncs: list[Sync] = []
        self.admin: User
        self.member: User

    def play(self) -> None:
        """All scenes, the oldest first. The simulator's clock is right again after it."""
        try:
            for scene in sorted(self.scenes()):
                with self.stage.at(scene.at, simulated=self.simulated(scene)):
                    scene.play()
        finally:
            self.stage.reset_simulator_clock()

    def simulated(self, scene: Scene) -> datetime | None:
        """What the simulator's clock shows in the scene; None where it takes no part."""
        if scene.simulator is SimulatorPart.THEN:
            return scene.at
        return clock.now() if scene.simulator is SimulatorPart.NOW else None

    def scenes(self) -> Iterator[Scene]:
        yield Scene(self.start, self.begin)
        hour = timedelta(hours=1)
        for place in self.cast:
            arrival = self.arrival(place)
            yield Scene(arrival, partial(self.arrive, place), part_in(place.kind))
            yield Scene(arrival + hour / 2, partial(self.run_sync, place))
        yield Scene(self.end - hour / 6, self.report)
        yield Scene(self.end - hour * 2, self.test_target)
        yield from self.everyday()
        yield from self.invitations()
        yield Scene(self.end - SECRET_OLD_FOR, self.replace_secret_there, SimulatorPart.THEN)
        yield Scene(self.end - REVOKED_FOR, self.revoke_there, SimulatorPart.THEN)

    def arrival(self, place: Place) -> datetime:
        first = self.start + timedelta(minutes=10)
        days = self.linked_days if place == self.linked else place.age_days
        return max(first, self.end - timedelta(days=days))

    @property
    def linked(self) -> Place | None:
        """The place that is connected by a link."""
        return next((p for p in reversed(self.cast) if p.kind == LINKED_KIND), None)

    @property
    def linked_days(self) -> float:
        return min(LINKED_DAYS, self.stage.demo.days / 2)

    def begin(self) -> None:
        """Colleagues, OAuth apps, a channel, a key: what there is before the first customer."""
        stage, organization = self.stage, self.stage.organization
        for name, role in COLLEAGUES:
            with stage.marking() as made:
                email = f"{name}@{organization.slug}.example"
                user = User.objects.create_user(username=email, email=email, password=None)
                members.add(organization, user, role, actor=None)
                made.append(user)
            stage.colleagues.append(user)
        self.admin, self.member = stage.colleagues
        self.register_apps()
        with stage.marking() as made:
            made += pipeline.make_places(organization, actor=self.admin)
            channel = channels.create(
                organization,
                ChannelKind.MAIL,
                actor=self.admin,
                name="On call",
                address=f"oncall@{organization.slug}.example",
                min_severity=Severity.WARNING,
            )
            key, self.worker_token = keys.create(
                organization,
                name="Demo worker",
                scopes=WORKER_KEY_SCOPES,
                actor=self.admin,
            )
            made += [channel, key]

    def register_apps(self) -> None:
        stage = self.stage
        for kind in filter(None, map(kinds.with_app, kinds.providers())):
            with stage.marking() as made:
                stage.apps[kind.provider] = stage.simulator.register(stage.organization, kind)
                made.append(stage.apps[kind.provider])
        kind = kinds.get_oauth(LINKED_KIND)
        stage.simulator.post(
            f"{kind.provider}/app/add",
            owner=FORMER_OWNER,
            client_id="9d41c7b2-2f0a-4c35-8a77-hubspot-former",
        )
        with stage.marking() as made:
            app = stage.simulator.register(
                stage.organization, kind, name="HubSpot, former app", owner=FORMER_OWNER
            )
            stage.apps[f"{kind.provider}:former"] = app
            made.append(app)

    def arrive(self, place: Place) -> None:
        """An account is connected: by a colleague, or by the customer who was sent a link."""
        link = None
        if place == self.linked:
            with self.stage.marking() as made:
                app = self.stage.apps[kinds.get(place.kind).provider]
                link = links.create(
                    self.stage.organization,
                    [kinds.get(place.kind)],
                    actor=self.admin,
                    oauth_app=app,
                    name=place.customer.name,
                    metadata=place.customer.metadata,
                )
                made.append(link)
            links.record_opened(link)
        self.stage.connect(place, actor=self.admin, link=link)

    def run_sync(self, place: Place) -> None:
        """The account is read, where it is one of those that are."""
        credential = self.stage.credentials[place]
        if credential.provider in pipeline.READ:
            with self.stage.marking() as made:
                number = len(self.syncs)
                self.syncs.append(pipeline.make_sync(credential, number, actor=self.admin))
                made.append(self.syncs[-1])
                if number == 0:
                    made.append(pipeline.make_consumer(self.syncs[0], actor=self.admin))

    def report(self) -> None:
        for number, sync in enumerate(self.syncs):
            pipeline.report(sync, number)

    def test_target(self) -> None:
        for target in Target.objects.of(self.stage.organization):
            targets.verify(target, actor=None)

    def everyday(self) -> Iterator[Scene]:
        """Small changes every other day, by turns."""
        verbs = cycle((self.limit, self.rename, self.withdraw_link, self.pause))
        at = self.start + VERB_EACH / 2
        while at < self.end - VERB_EACH:
            yield Scene(at, next(verbs))
            at += VERB_EACH

    def some(self) -> Credential | None:
        """The credential that came last, and is not the one that the demo's worker uses."""
        rows = [row for row in self.stage.credentials.values() if row.kind != METERED_KIND]
        return rows[-1] if rows else None

    def limit(self) -> None:
        if credential := self.some():
            rate = type(credential).rate
            allowed = max(1, rate.allowed_requests * 3 // 4)
            half = rate.max_concurrent_requests // 2
            changed = {"allowed_requests": allowed, "max_concurrent_requests": half}
            set_limit(credential, Rate(**{**rate.model_dump(), **changed}), actor=self.admin)

    def rename(self) -> None:
        if credential := self.some():
            name = f"{credential.metadata['company']} ({credential.provider_title})"
            credential_operations.update_details(credential, actor=self.member, name=name)

    def pause(self) -> None:
        if credential := self.some():
            credential_operations.disable(credential, actor=self.admin)
            credential_operations.enable(credential, actor=self.admin)

    def withdraw_link(self) -> None:
        links.revoke(self.invite(CUSTOMERS[-1].number), actor=self.member)

    def invite(self, number: int, days: int = 7) -> ConnectLink:
        """A link for the customer of that number to connect Stripe."""
        customer = CUSTOMERS[number - 1]
        with self.stage.marking() as made:
            link = links.create(
                self.stage.organization,
                [kinds.get("stripe_key")],
                actor=self.member,
                lasts=timedelta(days=days),
                name=customer.name,
                metadata=customer.metadata,
            )
            made.append(link)
        return link

    def invitations(self) -> Iterator[Scene]:
        """Links in every state: the completed one has been used by then."""
        day = timedelta(days=1)

        def fail() -> None:
            link = self.invite(4)
            links.record_opened(link)
            links.count_try(link)
            links.fail(link, "Stripe does not know this key. Copy it again from its dashboard.")

        scenes: dict[float, Callable[[], object]] = {
            6.5: lambda: links.revoke(self.invite(1), actor=self.admin),
            4.0: lambda: self.invite(2, days=2),
            2.5: lambda: links.record_opened(self.invite(3)),
            1.5: fail,
            0.8: lambda: self.invite(5),
        }
        for ago, play in scenes.items():
            yield Scene(max(self.start + day / 8, self.end - ago * day), play)

    def replace_secret_there(self) -> None:
        """Somebody replaces the former app's secret at HubSpot, and we are not told."""
        app = self.stage.apps[f"{kinds.get(LINKED_KIND).provider}:former"]
        waiting = [row for row in self.stage.credentials.values() if row.oauth_app_id == app.pk]
        self.stage.simulator.post(
            f"{app.provider}/app/change",
            owner=FORMER_OWNER,
            client_secret=secrets.token_hex(16),
        )
        for credential in waiting:
            credential.refresh_from_db()
            probes.verify(credential)

    def revoke_there(self) -> None:
        """A customer takes our access back at the provider."""
        place = next((p for p in self.stage.credentials if p.kind == REVOKED_KIND), None)
        if place is None:
            return
        credential = self.stage.credentials[place]
        account = self.stage.account_of(place)
        self.stage.simulator.post(f"{credential.provider}/accounts/{account}/revoke")
        credential.refresh_from_db()
        probes.verify(credential)

    def metered(self) -> Credential | None:
        """The credential that the demo's worker uses: the tour sets its limit."""
        rows = self.stage.credentials.values()
        return next((row for row in rows if row.kind == METERED_KIND), None)


METERED_KIND = "stripe_key"
