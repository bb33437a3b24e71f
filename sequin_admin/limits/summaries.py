"""What each credential used of its limit in the last hour and day, kept ready for lists.

A list of many credentials can't add up samples when it is asked for. So a worker does once a
minute, for those that were used within a day, and at most `MOST` at a time, the oldest sums first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Sum

from sequin_admin.core import clock
from sequin_admin.core.chunks import CHUNK_SIZE
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.limits.models import USED, Sample, SamplePeriod, UsageSummary, get_rate
from sequin_admin.limits.recorded import start_of

MOST = 20_000
EVERY = timedelta(seconds=50)
COUNTS = ("granted", "refused", "throttled")
# The samples that make up a time, and its length.
TIMES = {
    "hour": (SamplePeriod.MINUTE, timedelta(hours=1)),
    "day": (SamplePeriod.HOUR, timedelta(days=1)),
}
FIELDS = [f"{time}_{count}" for time in TIMES for count in (*COUNTS, "share")]


def refresh_summaries(most: int = MOST) -> int:
    """Sum up again what was used within a day. Returns how many rows were written."""
    due = UsageSummary.objects.filter(USED, summed_at__lt=clock.now() - EVERY).order_by("summed_at")
    pks = list(due.values_list("credential", flat=True)[:most])
    return sum(sum_up(pks[at : at + CHUNK_SIZE]) for at in range(0, len(pks), CHUNK_SIZE))


def create_missing(credentials: Iterable[Credential]) -> list[UUID]:
    """A row for each credential, so that a list has all. Returns the ids of those in use.

    `select_related("usage_summary")` saves a query a row.
    """
    new = [
        UsageSummary(
            credential_id=row.pk, organization_id=row.organization_id, provider=row.provider
        )
        for row in credentials
        if not hasattr(row, "usage_summary")
    ]
    if not new:
        return []
    UsageSummary.objects.bulk_create(new, ignore_conflicts=True)
    samples = Sample.objects.filter(credential__in=[each.credential_id for each in new])
    return list(samples.order_by().values_list("credential", flat=True).distinct())


def sum_up(pks: Sequence[UUID], resets: Mapping[UUID, datetime] | None = None) -> int:
    """Write the summaries of these credentials; `resets` has `resets_at` where it is known.

    Returns how many.
    """
    rows = Credential.objects.filter(pk__in=pks).select_related("rate_limit").defer("secrets")
    now, credentials = clock.now(), list(rows.order_by("pk"))
    sums = {time: sum_since(pks, *TIMES[time], now) for time in TIMES}
    summaries = []
    for credential in credentials:
        summary = UsageSummary(
            credential=credential,
            organization_id=credential.organization_id,
            provider=credential.provider,
            summed_at=now,
        )
        summary.resets_at = (resets or {}).get(credential.pk)
        for time, (_, length) in TIMES.items():
            use = sums[time].get(credential.pk, Counts())
            for count in COUNTS:
                setattr(summary, f"{time}_{count}", getattr(use, count))
            setattr(summary, f"{time}_share", share(use.granted, get_rate(credential), length))
        summaries.append(summary)
    UsageSummary.objects.bulk_create(
        summaries,
        update_conflicts=True,
        unique_fields=["credential"],
        update_fields=[*FIELDS, "summed_at", *(["resets_at"] if resets is not None else [])],
    )
    return len(summaries)


@dataclass(frozen=True)
class Counts:
    """Calls that started, permits that we refused, and calls that the provider throttled."""

    granted: int = 0
    refused: int = 0
    throttled: int = 0


def sum_since(
    pks: Sequence[UUID], span: SamplePeriod, length: timedelta, now: datetime
) -> dict[UUID, Counts]:
    """The sums of the samples that began within `length` before the current one, with it."""
    rows = Sample.objects.filter(credential__in=pks, span=span, at__gt=start_of(now, span) - length)
    sums = {f"sum_{count}": Sum(count) for count in COUNTS}
    grouped = rows.order_by().values("credential").annotate(**sums).values_list("credential", *sums)
    return {pk: Counts(*counted) for pk, *counted in grouped}


def share(granted: int, rate: Rate, length: timedelta) -> float:
    """Of what the limit allows in so long; of one interval, where that is longer."""
    intervals = max(1.0, length.total_seconds() * 1000 / rate.interval)
    return granted / (rate.allowed_requests * intervals)
