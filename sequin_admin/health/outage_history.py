"""A provider's outages in the last 90 days, day by day, as far as an organization knows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential
from sequin_admin.health.history import QUARTER, start_of
from sequin_admin.health.models import Outage


@dataclass(frozen=True)
class OutageDay:
    """`known` and `down` are how much of the day is known, and how much of that it was down."""

    start: datetime
    known: timedelta
    down: timedelta


@dataclass(frozen=True)
class OutageHistory:
    """`outages` are the latest first. `uptime` is from 0 to 1 of the `known` time; None if nothing
    is known."""

    days: list[OutageDay]
    outages: list[Outage]

    @property
    def known(self) -> timedelta:
        return sum((day.known for day in self.days), timedelta())

    @property
    def down(self) -> timedelta:
        return sum((day.down for day in self.days), timedelta())

    @property
    def uptime(self) -> float | None:
        return 1 - self.down / self.known if self.known else None


def get_outage_history(organization: Organization, provider: str) -> OutageHistory:
    """Known is what was since the organization's first credential of the provider. Two queries."""
    now = clock.now()
    start = start_of(QUARTER, now)
    credentials = Credential.objects.of(organization).of_provider(provider)
    since = credentials.order_by("created_at").values_list("created_at", flat=True).first() or now
    lasted = Q(cleared_at=None) | Q(cleared_at__gt=max(since, start))
    outages = list(Outage.objects.filter(lasted, provider=provider))
    return OutageHistory(split_days(outages, start, since, now), outages)


def split_days(
    outages: Sequence[Outage], start: datetime, since: datetime, now: datetime
) -> list[OutageDay]:
    """The days from `start` on. Outages of one provider don't overlap."""
    days = []
    for number in range(QUARTER.slots):
        begin = start + number * QUARTER.slot
        first, last = max(begin, since), min(begin + QUARTER.slot, now)
        down = sum(
            (overlap(row.opened_at, row.cleared_at or now, first, last) for row in outages),
            timedelta(),
        )
        days.append(OutageDay(begin, overlap(first, last, first, last), down))
    return days


def overlap(begin: datetime, end: datetime, first: datetime, last: datetime) -> timedelta:
    return max(min(end, last) - max(begin, first), timedelta())
