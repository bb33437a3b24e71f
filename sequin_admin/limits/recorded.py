"""What usage has recorded of a credential, for a limiter's store that lost its own count."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

from sequin_admin.core import clock
from sequin_admin.limits.models import Sample, SamplePeriod
from sequin_admin.limits.window import Limit

# Samples of minutes are kept so long, those of hours longer than any interval.
MINUTES_KEPT = timedelta(hours=3)
LENGTHS = {SamplePeriod.MINUTE: timedelta(minutes=1), SamplePeriod.HOUR: timedelta(hours=1)}


def start_of(at: datetime, span: str) -> datetime:
    """The start of the minute or hour of `at`."""
    whole = at.replace(second=0, microsecond=0)
    return whole.replace(minute=0) if span == SamplePeriod.HOUR else whole


def recorded_starts(credential: UUID, limit: Limit, known_for: int) -> list[tuple[str, int]]:
    """Permits that were granted more than `known_for` µs ago and count in `limit`'s window.

    A name and an age in µs for each block of permits, the latest first. All permits of a sample
    count at its end, and those of another sync's narrower limit count too: it is never too few.
    """
    now = clock.now()
    lost_at = now - timedelta(microseconds=known_for)
    starts = [
        (f"recorded.{sample.pk}.{number}", round((now - at) / timedelta(microseconds=1)))
        for sample in samples_in(credential, timedelta(microseconds=limit.interval))
        if sample.at < lost_at
        for at in [min(sample.at + LENGTHS[SamplePeriod(sample.span)], lost_at)]
        for number in range(ceil(sample.granted / limit.block))
    ]
    return starts[: limit.most]


def samples_in(credential: UUID, interval: timedelta) -> Iterator[Sample]:
    """The samples that reach into the last `interval`, the latest first."""
    span = SamplePeriod.MINUTE if interval < MINUTES_KEPT else SamplePeriod.HOUR
    rows = Sample.objects.filter(credential_id=credential, span=span, granted__gt=0)
    return rows.filter(at__gt=clock.now() - interval - LENGTHS[span]).order_by("-at").iterator()
