"""Samples of what runs report, for the charts of a sync."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q

from sequin_admin.core import clock, pruning
from sequin_admin.syncs.models import RunSample, Sync

SPAN = timedelta(minutes=5)


@dataclass(frozen=True)
class RunPoint:
    """What was reported in a stretch of time. `lag_s` is the greatest; None when none was told."""

    at: datetime
    rows_read: int
    lag_s: float | None


def start_of(at: datetime, span: timedelta = SPAN) -> datetime:
    """The start of the span that this moment lies in."""
    return at - timedelta(seconds=at.timestamp() % span.total_seconds())


def record_sample(sync: Sync, rows: int, lag_s: float | None, now: datetime) -> None:
    """Add what a report says. Nothing for one that says neither."""
    if not rows and lag_s is None:
        return
    at = start_of(now)
    RunSample.objects.bulk_create([RunSample(sync=sync, at=at)], ignore_conflicts=True)
    mine = RunSample.objects.filter(sync=sync, at=at)
    mine.update(rows_read=F("rows_read") + rows)
    if lag_s is not None:
        mine.filter(Q(lag_s=None) | Q(lag_s__lt=lag_s)).update(lag_s=lag_s)


def history(sync: Sync, count: int, length: timedelta) -> list[RunPoint]:
    """The last `count` stretches of this length, the oldest first."""
    first = start_of(clock.now(), length) - (count - 1) * length
    rows = RunSample.objects.filter(sync=sync, at__gte=first)
    found: dict[datetime, list[RunSample]] = {}
    for row in rows:
        found.setdefault(start_of(row.at, length), []).append(row)
    starts = (first + number * length for number in range(count))
    return [sum_up(start, found.get(start, ())) for start in starts]


def sum_up(at: datetime, samples: Iterable[RunSample]) -> RunPoint:
    listed = list(samples)
    lags = [each.lag_s for each in listed if each.lag_s is not None]
    return RunPoint(at, sum(each.rows_read for each in listed), max(lags, default=None))


def prune() -> int:
    """Delete samples that are too old to be shown. Returns how many."""
    old = RunSample.objects.filter(at__lt=pruning.cutoff("KEEP_USAGE_DAYS"))
    return pruning.prune(old, by="at")
