"""One credential at the simulator, the actors that work on it, and what must be true at the end."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sequin_admin.access.models import User
from sequin_admin.connect import bulk, credential_operations, flow
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.credentials.properties import Properties
from sequin_admin.tokens import grants, protocol, renewal, renewal_leases
from sequin_admin.tokens.models import Token
from sequin_admin.worker import runner
from sequin_admin.worker.jobs import JOBS
from tests.connect_sessions import query_of
from tests.due_work import refresh_due
from tests.schedules.orders import Walk
from tests.schedules.scheduler import PROVIDER, Scheduler
from tests.schedules.snapshot import Snapshot
from tests.simulator_server import Simulator

Work = Callable[[Scheduler], Any]
# Well below the ten minutes that a connect session lasts.
SNAPSHOT_S = 120


@dataclass
class World:
    """`kind` rotates its refresh tokens. `destroyed`: a process was killed with an answer in hand,
    or somebody else used our refresh token."""

    kind: Any
    account: str
    app: OAuthApp
    user: User
    simulator: Simulator
    pk: Any = None
    first: dict[str, Any] = field(default_factory=dict)
    snapshot: Snapshot | None = None
    destroyed: bool = False

    # Connecting, as a person does.

    def consent(self, session_key: str = "browser", **options: Any) -> dict[str, str]:
        """Press Allow. The callback's parameters."""
        organization = self.app.organization
        known = {"user": self.user, "session_key": session_key, "oauth_app": self.app}
        url = flow.start(organization, self.kind, **known, **options)
        return query_of(self.simulator.consent(url, account=self.account))

    def finish(self, callback: Mapping[str, str]) -> Any:
        return flow.finish(
            callback, user=self.user, session_key="browser", provider=self.kind.provider
        )

    def begin(self) -> None:
        """A new credential whose access token has just expired."""
        Credential.objects.all().delete()
        self.simulator.reset()
        credential = self.finish(self.consent()).credential
        self.pk, self.first = credential.pk, {**credential.properties, **credential.secrets}
        Credential.objects.update(check_due_at=None)
        self.expire()

    def row(self) -> Credential:
        return Credential.objects.select_related("oauth_app").get(pk=self.pk)

    def journal(self) -> list[dict[str, Any]]:
        """What the simulator knows of the account's grants in this run, oldest first."""
        url = f"{self.simulator.url}/control-api/{self.kind.provider}/journal/{self.account}"
        grants: list[dict[str, Any]] = (
            self.simulator.http.get(url).raise_for_status().json()["data"]
        )
        return grants

    def expire(self) -> None:
        past = clock.now() - timedelta(seconds=1)
        Token.objects.filter(pk=self.pk).update(expires_at=past, refresh_at=past, next_try_at=None)

    def end_leases(self) -> None:
        past = clock.now() - timedelta(seconds=1)
        Token.objects.filter(lease_until__isnull=False).update(lease_until=past)
        Token.objects.update(next_try_at=None)

    # The actors.

    def read(self, scheduler: Scheduler) -> str:
        return renewal.get_access_token(self.row())

    def renew(self, scheduler: Scheduler) -> int:
        """The worker."""
        return refresh_due(1)

    def read_again(self, scheduler: Scheduler) -> str:
        """A reader whose access token the provider refuses."""
        return renewal.refresh(self.row(), force=True)

    def entered(self, values: Mapping[str, Any]) -> Properties:
        declared = self.kind.properties_class
        known = {name: values[name] for name in declared.names() if name in values}
        parsed: Properties = declared.model_validate({**known, "kind": self.kind.slug})
        return parsed

    def reimport(self, scheduler: Scheduler) -> Any:
        """The file with the first refresh token, once more."""
        return credential_operations.save_credential(
            self.app.organization, self.entered(self.first), actor=self.user, oauth_app=self.app
        )

    def reimport_in_bulk(self, scheduler: Scheduler) -> Any:
        item = bulk.Item(self.entered(self.first), oauth_app=self.app)
        return bulk.save_credentials(self.app.organization, [item], actor=self.user)

    def reenter(self, scheduler: Scheduler) -> Any:
        """The form of the credential, saved with the first refresh token."""
        return credential_operations.replace_secrets(
            self.row(), self.entered(self.first), actor=self.user
        )

    def rename(self, scheduler: Scheduler) -> None:
        credential_operations.update_details(self.row(), actor=self.user, name="Renamed")

    def edit(self) -> Work:
        """A person enters the refresh token of another consent, which was never seen here."""
        back, kind = self.consent("elsewhere"), self.kind
        session = flow.claim(
            back["state"], user=self.user, session_key="elsewhere", provider=kind.provider
        )
        grant = protocol.exchange(
            kind,
            flow.context_of(session, back),
            code=back["code"],
            redirect_uri=protocol.redirect_uri(kind.provider),
            verifier=session.secrets["verifier"],
        )
        entered = self.entered({**self.first, **grants.issued_secrets(kind, grant)})
        return lambda scheduler: credential_operations.replace_secrets(
            self.row(), entered, actor=self.user
        )

    def reconnect(self) -> Work:
        """The customer has allowed us again, and comes back."""
        callback = self.consent(reconnects=self.row())

        def reconnect(scheduler: Scheduler) -> Any:
            session = self.finish(callback)
            if not session.credential:
                scheduler.problems.append(f"Reconnecting failed: {session.failure}")

        return reconnect

    def expire_again(self, scheduler: Scheduler) -> None:
        """Time passes: the access token expires."""
        self.expire()

    def end_lease(self, scheduler: Scheduler) -> None:
        """Time passes: a lease whose holder does not extend it ends."""
        scheduler.leases_ended = True
        self.end_leases()

    def use_elsewhere(self, scheduler: Scheduler) -> None:
        """Somebody else uses our newest refresh token, perhaps a restored copy of our database."""
        Token.objects.filter(pk=self.pk).exists()
        scheduler.touch(PROVIDER)
        self.simulator.act(self.kind.provider, self.account, "spend_refresh")
        self.destroyed = True

    def kill(self, name: str) -> Work:
        """kill -9."""

        def kill(scheduler: Scheduler) -> None:
            Token.objects.filter(pk=self.pk).exists()
            victim = scheduler.named(name)
            scheduler.touch(f"process of {name}")
            self.destroyed |= bool(victim.sending)
            scheduler.kill(victim)

        return kill

    def stop(self, name: str) -> Work:
        """SIGTERM, while the provider takes as long as the deadline of its calls allows."""

        class UnderWay:
            """The process's calls, in the place of its pools of threads."""

            def __init__(self, scheduler: Scheduler) -> None:
                self.scheduler = scheduler

            def stop(self, deadline: float, meanwhile: Work) -> list[str]:
                ended = wait_or_cut_off(self.scheduler, name, deadline)
                return [] if ended else [JOBS[0].name]

        def stop(scheduler: Scheduler) -> None:
            Token.objects.filter(pk=self.pk).exists()
            scheduler.touch(f"process of {name}")
            runner.stop_pools([UnderWay(scheduler)])

        return stop

    def with_clock_ahead(self, work: Work) -> Work:
        """On a machine whose clock is an hour ahead, as after a jump."""

        class Ahead:
            ahead = timedelta(hours=1)

            def __call__(self, scheduler: Scheduler) -> Any:
                return work(scheduler)

        return Ahead()

    # What must be true at the end.

    def check(self, scheduler: Scheduler) -> list[str]:
        """What is wrong after a run."""
        journal = self.journal()
        problems = self.check_verdicts(scheduler) + self.check_times()
        if Credential.objects.count() != 1:
            problems.append(f"There are {Credential.objects.count()} credentials of one account.")
        if not self.destroyed:
            problems += self.check_chain(journal)
        return problems

    def check_chain(self, journal: list[dict[str, Any]]) -> list[str]:
        problems = []
        stored = Credential.objects.get(pk=self.pk).secrets.get("refresh_token")
        if any(grant["reuses"] + grant["replays"] for grant in journal):
            problems.append("A refresh token was sent twice.")
        spent = {t["value"]: t["spent_at"] for grant in journal for t in grant["refresh_tokens"]}
        if spent.get(stored, True):
            problems.append("The refresh token that is stored was used: its successor is lost.")
        if len(journal) > 1 and stored in [t["value"] for t in journal[0]["refresh_tokens"]]:
            problems.append("The refresh token of an older grant is stored over a newer one's.")
        return problems

    def check_times(self) -> list[str]:
        """Whatever the clock of whoever stored them."""
        latest = {
            "issued_at": timedelta(),
            "tried_at": timedelta(),
            "expires_at": timedelta(seconds=self.kind.oauth.access_life_s),
            "lease_until": renewal_leases.LEASE,
        }
        stored = Token.objects.values(*latest).get(pk=self.pk)
        return [
            f"{name} is stored as {stored[name]}, which is too late."
            for name, most in latest.items()
            if stored[name] and stored[name] > clock.now() + most + timedelta(seconds=5)
        ]

    def check_verdicts(self, scheduler: Scheduler) -> list[str]:
        """Nobody is to act while the provider would take what it issued."""
        problems = []
        for actor in scheduler.actors.values():
            if isinstance(actor.error, Refused):
                outcome = actor.error.outcome
                if not self.is_true(outcome.verdict.value, outcome.code):
                    problems.append(f"{actor.name} was told {outcome.code}: {outcome.message}")
            elif actor.error:
                problems.append(f"{actor.name} failed: {actor.error!r}")
        for known in Token.objects.exclude(refusal={}).values_list("refusal", flat=True):
            if not self.is_true(known["verdict"], known["code"]):
                problems.append(f"The credential says {known['code']}: {known['message']}")
        return problems

    def is_true(self, verdict: str, code: str) -> bool:
        """Nobody has revoked anything: a customer can only be asked to connect again because a
        killed process has lost an answer that the provider does not repeat."""
        if verdict == Verdict.TRANSIENT.value:
            return True
        return self.destroyed and not self.kind.oauth.grace_s and code == "answer_lost"

    def walk(self, actors: Callable[[], dict[str, Work]], **bounds: Any) -> Walk:
        """Each run begins with the same rows, made anew before what was begun in them ends."""
        works: dict[str, Work] = {}
        self.forget_snapshot()

        def make() -> Scheduler:
            if self.snapshot and time.monotonic() - self.snapshot.made_at < SNAPSHOT_S:
                self.snapshot.restore()
            else:
                self.forget_snapshot()
                self.begin()
                works.update(actors())
                self.snapshot = Snapshot(self.simulator)
            self.destroyed = False
            # The order before must not decide with which queue this one begins.
            renewal_leases.TURNS.after = ""
            renewal_leases.TURNS.served.clear()
            return Scheduler(works)

        return Walk(make, self.end_leases, self.check, **bounds)

    def forget_snapshot(self) -> None:
        if self.snapshot:
            self.snapshot.close()
            self.snapshot = None


def wait_or_cut_off(scheduler: Scheduler, name: str, deadline: float) -> bool:
    """As a pool does: wait until the call has ended, or until the deadline. A renewal makes up to
    two calls, each of which may take until its own deadline."""
    victim = scheduler.named(name)
    lasts_s = 2 * protocol.TOKEN_DEADLINE_S if victim.sending else 0
    if deadline - time.monotonic() < lasts_s:
        scheduler.kill(victim)
        return False
    while victim.sending:
        time.sleep(0.02)
    scheduler.kill(victim)
    return True
