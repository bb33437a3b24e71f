"""The three public statuses, and how check results and reasons are reduced to one. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import models

from sequin_admin.credentials.outcomes import Verdict


class Status(models.TextChoices):
    """Health status, with the specification's values and a label, tone and icon for pages."""

    HEALTHY = "healthy", "Healthy"
    CUSTOMER = "customer_intervention", "Customer must act"
    SEQUIN = "sequin_intervention", "We must act"

    @property
    def tone(self) -> str:
        return _LOOKS[self][0]

    @property
    def icon(self) -> str:
        """A heroicon's name."""
        return _LOOKS[self][1]


_LOOKS = {
    Status.HEALTHY: ("good", "check-circle"),
    Status.CUSTOMER: ("warn", "user"),
    Status.SEQUIN: ("bad", "wrench"),
}

SEVERITY = [Status.SEQUIN, Status.CUSTOMER, Status.HEALTHY]


def worst(statuses: Iterable[Status]) -> Status:
    """The status of a group: the worst of its members."""
    return min(statuses, key=SEVERITY.index, default=Status.HEALTHY)


LONG_AGO = datetime.min.replace(tzinfo=UTC)

# A transient fault that lasts this long becomes `sequin_intervention`.
GRACE_PERIOD = timedelta(minutes=30)
# A check is flapping after so many changes, each within this time of the one before ...
FLAP_WINDOW = timedelta(hours=1)
FLAPPING_AFTER = 3
# ... and then only healthy after so many successes in a row.
STABLE_AFTER = 3


@dataclass(frozen=True)
class Streak:
    """The latest results of a check: `times` equal ones since `since`, after `flips` changes."""

    verdict: Verdict | None = None
    since: datetime = LONG_AGO
    times: int = 0
    flips: int = 0

    def after(self, verdict: Verdict, at: datetime) -> "Streak":
        if verdict == self.verdict:
            return Streak(verdict, self.since, self.times + 1, self.flips)
        is_flip = self.verdict is not None and at - self.since < FLAP_WINDOW
        return Streak(verdict, at, 1, self.flips + 1 if is_flip else 0)

    @property
    def is_stable(self) -> bool:
        """Whether a success counts: not flapping, or enough equal results in a row."""
        return self.flips < FLAPPING_AFTER or self.times >= STABLE_AFTER


def next_status(before: str, streak: Streak, *, at: datetime, grace_start: datetime) -> str:
    """The status by a check after its latest result.

    A transient fault keeps the status `before` for the `GRACE_PERIOD`, which does not begin before
    `grace_start`: it is suspended during a provider outage.
    """
    if streak.verdict == Verdict.OK:
        return Status.HEALTHY if streak.is_stable or not before else before
    if streak.verdict == Verdict.CUSTOMER:
        return Status.CUSTOMER
    failing_for = at - max(streak.since, grace_start)
    if streak.verdict == Verdict.OPERATOR or failing_for >= GRACE_PERIOD:
        return Status.SEQUIN
    return before


@dataclass(frozen=True)
class Reason:
    """Why a row is unhealthy. `through` is the reason below it, of the dependency it comes from."""

    status: Status
    entity: str
    id: UUID
    name: str
    since: datetime
    sentence: str
    code: str = ""
    through: "Reason | None" = None

    @property
    def rank(self) -> tuple[int, datetime, str, str, str]:
        """Sort key: the worst first, then the oldest. Ids break ties, so the order is fixed."""
        ids = (self.entity, str(self.id), self.code)
        return (SEVERITY.index(self.status), self.since, *ids)

    def chain(self) -> "list[Reason]":
        """This reason and those below it, down to the root cause."""
        return [self, *(self.through.chain() if self.through else [])]


def roll_up(reasons: Iterable[Reason], *, known: bool) -> tuple[str, Reason | None]:
    """The status by all reasons, and the deciding one. "" while no status is `known`."""
    winner = min(reasons, key=lambda reason: reason.rank, default=None)
    if winner:
        return winner.status, winner
    return (Status.HEALTHY if known else ""), None
