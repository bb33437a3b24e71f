"""Samples of the use of rate limits.

Once a minute a worker stores by how much the limiter's counters have grown, with the same few
statements for each chunk of credentials.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from django.db import transaction

from sequin_admin.core import clock, pruning
from sequin_admin.core.chunks import chunked
from sequin_admin.credentials.models import Credential
from sequin_admin.limits.models import Sample, SamplePeriod, UsageCursor
from sequin_admin.limits.recorded import MINUTES_KEPT, start_of
from sequin_admin.limits.requests import Gauge
from sequin_admin.limits.summaries import create_missing, sum_up
from sequin_admin.limits.usage import gauges_of


def record_samples() -> int:
    """Store samples of all active credentials. Returns how many were in use."""
    rows = Credential.objects.active().defer("secrets")
    joined = rows.select_related("rate_limit", "usage_cursor", "usage_summary")
    return sum(record_sample_batch(chunk) for chunk in chunked(joined))


def record_sample_batch(credentials: Sequence[Credential]) -> int:
    """Add the growth of the counters to the samples of the current minute and hour.

    Left out are credentials without use, and those that another worker has sampled since they were
    read. Returns how many were sampled.
    """
    if in_use := create_missing(credentials):
        sum_up(in_use)
    gauges = zip(credentials, gauges_of(credentials), strict=True)
    used = {row.pk: Use.since(cursor_of(row), gauge) for row, gauge in gauges if gauge}
    used = {pk: use for pk, use in used.items() if use.is_any}
    if not used:
        return 0
    with transaction.atomic():
        mine = {pk: used[pk] for pk in move_cursors(used)}
        for span in SamplePeriod:
            store_samples(mine, span, start_of(clock.now(), span))
    sum_up(list(mine), {pk: use.resets_at for pk, use in mine.items()})
    return len(mine)


@dataclass(frozen=True)
class Use:
    """A credential's use since the cursor that was read."""

    cursor: UsageCursor
    gauge: Gauge
    granted: int
    throttled: int

    @classmethod
    def since(cls, cursor: UsageCursor, gauge: Gauge) -> Self:
        granted = counter_growth(cursor.granted, gauge.granted)
        return cls(cursor, gauge, granted, counter_growth(cursor.throttled, gauge.throttled))

    @property
    def is_any(self) -> bool:
        return bool(self.granted or self.throttled or self.gauge.under_way or self.gauge.waiting)

    @property
    def resets_at(self) -> datetime:
        return clock.now() + timedelta(microseconds=self.gauge.resets_in)

    def added_to(self, sample: Sample) -> Sample:
        sample.granted += self.granted
        sample.throttled += self.throttled
        sample.under_way = max(sample.under_way, self.gauge.under_way)
        sample.waiting = max(sample.waiting, self.gauge.waiting)
        return sample


def cursor_of(credential: Credential) -> UsageCursor:
    """The stored cursor, or a new one. By id, as Django would otherwise cache it as stored."""
    stored: UsageCursor | None = getattr(credential, "usage_cursor", None)
    return stored or UsageCursor(credential_id=credential.pk)


def move_cursors(used: Mapping[UUID, Use]) -> list[UUID]:
    """Move the cursors to the gauges, and keep them locked. Returns the ids of those that no other
    worker has moved meanwhile."""
    columns = ("granted", "throttled")
    ids = sorted(used)
    UsageCursor.objects.bulk_create(
        [UsageCursor(credential_id=pk) for pk in ids if used[pk].cursor._state.adding],
        ignore_conflicts=True,
    )
    stored = UsageCursor.objects.order_by("pk").select_for_update().filter(pk__in=ids)
    mine = []
    for pk, *counts in stored.values_list("pk", *columns):
        if counts == [getattr(used[pk].cursor, column) for column in columns]:
            mine.append(pk)
    UsageCursor.objects.bulk_create(
        [
            UsageCursor(pk, granted=used[pk].gauge.granted, throttled=used[pk].gauge.throttled)
            for pk in mine
        ],
        update_conflicts=True,
        unique_fields=["credential"],
        update_fields=columns,
    )
    return mine


def store_samples(used: Mapping[UUID, Use], span: SamplePeriod, at: datetime) -> None:
    """Add to the samples of the minute or hour that began `at`. The cursors are locked, so that
    nobody else does."""
    known = Sample.objects.filter(credential__in=used, span=span, at=at)
    found = {sample.credential_id: sample for sample in known}
    samples = [
        use.added_to(found.get(pk) or Sample(credential_id=pk, span=span, at=at))
        for pk, use in used.items()
    ]
    for sample in samples:
        # Those that are there are found by the unique columns.
        sample.pk = None
    Sample.objects.bulk_create(
        samples,
        update_conflicts=True,
        unique_fields=["credential", "span", "at"],
        update_fields=["granted", "throttled", "under_way", "waiting"],
    )


def counter_growth(before: int, now: int) -> int:
    """By how much a counter has grown. Counters restart at 0 after a long time without use."""
    return now - before if now >= before else now


def prune() -> int:
    """Delete samples that are too old to be shown. Returns how many."""
    before = {
        SamplePeriod.MINUTE: clock.now() - MINUTES_KEPT,
        SamplePeriod.HOUR: pruning.cutoff("KEEP_USAGE_DAYS"),
    }
    old = (Sample.objects.filter(span=span, at__lt=at) for span, at in before.items())
    return sum(pruning.prune(rows, by="at") for rows in old)
