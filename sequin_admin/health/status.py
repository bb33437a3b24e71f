"""The three public statuses, their words, and how checks become one of them. Pure."""

from collections.abc import Iterable
from datetime import timedelta

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


# A fault of nobody's that lasts this long is somebody's: ours.
PATIENCE = timedelta(minutes=30)


def next_status(before: str, verdict: Verdict, *, troubled_for: timedelta) -> str:
    """The status after one more outcome. A transient fault keeps it until patience runs out."""
    if verdict is Verdict.OK:
        return Status.HEALTHY
    if verdict is Verdict.CUSTOMER:
        return Status.CUSTOMER
    if verdict is Verdict.OPERATOR or troubled_for >= PATIENCE:
        return Status.SEQUIN
    return before
