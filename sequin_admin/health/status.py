"""The three public statuses, their words, and how checks and reasons become one of them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import models

from sequin_admin.credentials.outcomes import Verdict


class Status(models.TextChoices):
    """The specification's values. A status knows its words, tone and icon."""

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
    """The status of a group is that of its sickest member."""
    return min(statuses, key=SEVERITY.index, default=Status.HEALTHY)


LONG_AGO = datetime.min.replace(tzinfo=UTC)

# A fault of nobody's that lasts this long is somebody's: ours.
PATIENCE = timedelta(minutes=30)
# Results that change within this time of one another are unsteady ...
UNSTEADY = timedelta(hours=1)
# ... from the third change on, and then believed to be good only after so many good ones.
FLIPS, GOOD_ONES = 3, 3


@dataclass(frozen=True)
class Streak:
    """The results of a check in a row: `times` equal ones since `since`, after `flips` changes."""

    verdict: Verdict | None = None
    since: datetime = LONG_AGO
    times: int = 0
    flips: int = 0

    def after(self, verdict: Verdict, at: datetime) -> "Streak":
        if verdict == self.verdict:
            return Streak(verdict, self.since, self.times + 1, self.flips)
        hasty = self.verdict is not None and at - self.since < UNSTEADY
        return Streak(verdict, at, 1, self.flips + 1 if hasty else 0)

    @property
    def believed(self) -> bool:
        """Whether a good result may be taken at its word."""
        return self.flips < FLIPS or self.times >= GOOD_ONES


def next_status(before: str, streak: Streak, *, at: datetime, patient_since: datetime) -> str:
    """What a check makes of its subject after one more result.

    A transient fault keeps the status until `PATIENCE` runs out, which does not begin before
    `patient_since`: while a provider is down for all, nobody's patience runs.
    """
    if streak.verdict == Verdict.OK:
        return Status.HEALTHY if streak.believed or not before else before
    if streak.verdict == Verdict.CUSTOMER:
        return Status.CUSTOMER
    troubled_for = at - max(streak.since, patient_since)
    if streak.verdict == Verdict.OPERATOR or troubled_for >= PATIENCE:
        return Status.SEQUIN
    return before


@dataclass(frozen=True)
class Reason:
    """Why something is not healthy: what, whose, since when, and the sentence for people."""

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
        """The worst first, then the oldest. Ties are settled too, so that no order matters."""
        ids = (self.entity, str(self.id), self.code)
        return (SEVERITY.index(self.status), self.since, *ids)

    def chain(self) -> "list[Reason]":
        """From this reason down to the one at the bottom of it."""
        return [self, *(self.through.chain() if self.through else [])]


def roll_up(reasons: Iterable[Reason], *, known: bool) -> tuple[str, Reason | None]:
    """The status of a whole, and the reason that won. "" while nothing is `known` of it."""
    winner = min(reasons, key=lambda reason: reason.rank, default=None)
    if winner:
        return winner.status, winner
    return (Status.HEALTHY if known else ""), None
