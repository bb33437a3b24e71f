"""Use of the rate limits by credentials: now, recently, and over the last days."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from math import ceil
from operator import or_
from uuid import UUID

from django.core.cache import caches
from django.db.models import Q, QuerySet, Sum
from django.template.defaultfilters import pluralize

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.core.words import format_duration
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.limits.limiter import current_store
from sequin_admin.limits.models import Sample, SamplePeriod, get_rate
from sequin_admin.limits.recorded import LENGTHS, start_of
from sequin_admin.limits.requests import MS, Gauge

RECENT = timedelta(minutes=10)
NEAR_LIMIT_SHARE = 0.8
MANY = 1000
COUNTED = ("granted", "refused", "throttled")
MOST_RECORDS = 100_000_000_000
MOST_PER_CALL = 1_000_000


def gauge_of(credential: Credential) -> Gauge:
    """The current use of a credential. Raises `Unavailable`."""
    return gauges_of([credential])[0] or Gauge(now=0)


def gauges_of(credentials: Sequence[Credential]) -> list[Gauge | None]:
    """The current use of many credentials; None for an unused one. Raises `Unavailable`."""
    intervals = [get_rate(credential).interval * MS for credential in credentials]
    return current_store().gauges([credential.pk for credential in credentials], intervals)


@dataclass(frozen=True)
class Point:
    """One bar of a usage chart, from `at` on."""

    at: datetime
    granted: int = 0
    refused: int = 0
    throttled: int = 0


def history(
    credential: Credential, count: int, span: SamplePeriod = SamplePeriod.HOUR
) -> list[Point]:
    """The last `count` hours or minutes, oldest first. Gaps are zero."""
    length = LENGTHS[span]
    first = start_of(clock.now(), span) - length * (count - 1)
    rows = Sample.objects.filter(credential=credential, span=span, at__gte=first)
    used = {row.at: row for row in rows}
    ats = (first + length * number for number in range(count))
    return [Point(at, *(getattr(used.get(at), name, 0) for name in COUNTED)) for at in ats]


def sum_points(points: Sequence[Point], each: int) -> list[Point]:
    """The points in groups of `each`, as one point from its first on."""
    groups = [points[begin : begin + each] for begin in range(0, len(points), each)]
    return [
        Point(group[0].at, *(sum(getattr(point, name) for point in group) for name in COUNTED))
        for group in groups
    ]


@dataclass(frozen=True)
class RecentUse:
    """Use in the last ten minutes, or in a day if the limit's interval is longer.

    `allowed` is the limit for that time.
    """

    granted: int
    throttled: int
    allowed: float

    @property
    def share(self) -> float:
        """Share of the limit that was used; 1.0 is all of it."""
        return self.granted / self.allowed

    @property
    def is_near_limit(self) -> bool:
        return self.granted >= NEAR_LIMIT_SHARE * self.allowed


def recent_use(
    credentials: Iterable[Credential], used: Mapping[tuple[str, UUID], tuple[int, int]]
) -> dict[UUID, RecentUse]:
    """Recent use by credential id. `used` is what `sum_samples()` returns."""
    found = {}
    for credential in credentials:
        limit = get_rate(credential)
        is_long = limit.interval > RECENT.total_seconds() * 1000
        over = timedelta(hours=24) if is_long else RECENT
        span = SamplePeriod.HOUR if is_long else SamplePeriod.MINUTE
        granted, throttled = used.get((span, credential.pk), (0, 0))
        allowed = limit.allowed_requests * over.total_seconds() * 1000 / limit.interval
        found[credential.pk] = RecentUse(granted, throttled, allowed)
    return found


@dataclass(frozen=True)
class NearLimit:
    """A credential close to its limit. `share` 1.0 is all of the limit."""

    credential: Credential
    share: float
    throttled: int

    @property
    def percent(self) -> int:
        return round(self.share * 100)


def running_near_limit(organization: Organization) -> list[NearLimit]:
    """Credentials near their limit. The result is cached for a minute if many are in use."""
    key = f"hot:{organization.pk}"
    found: list[NearLimit] | None = caches["local"].get(key)
    if found is None:
        found, in_use = find_near_limit(organization)
        if in_use > MANY:
            caches["local"].set(key, found, 60)
    return found


def find_near_limit(organization: Organization) -> tuple[list[NearLimit], int]:
    """Credentials that recently used 80 % of their limit or more, the highest share first, and
    how many are in use at all. Two queries."""
    used = sum_samples(Sample.objects.filter(credential__organization=organization))
    known = {pk for _, pk in used}
    rows = Credential.objects.active().filter(pk__in=known).select_related("rate_limit")
    credentials = list(rows.defer("secrets"))
    use = recent_use(credentials, used)
    near = [credential for credential in credentials if use[credential.pk].is_near_limit]
    found = [NearLimit(each, use[each.pk].share, use[each.pk].throttled) for each in near]
    return sorted(found, key=lambda each: -each.share), len(known)


def sum_samples(samples: "QuerySet[Sample]") -> dict[tuple[str, UUID], tuple[int, int]]:
    """Granted permits and throttled calls by `(span, credential id)`: the minutes of the last ten,
    and the hours of the last day."""
    minute = start_of(clock.now(), SamplePeriod.MINUTE)
    after = {SamplePeriod.MINUTE: minute - RECENT, SamplePeriod.HOUR: minute - timedelta(hours=24)}
    since = (Q(span=span, at__gte=at) for span, at in after.items())
    groups = samples.filter(reduce(or_, since)).order_by().values("span", "credential")
    summed = groups.annotate(used=Sum("granted"), refused=Sum("throttled"))
    return {(g["span"], g["credential"]): (g["used"], g["refused"]) for g in summed}


def plan_text(records: int, per_call: int, rate: Rate) -> str:
    """A sentence: how long so many records take at this limit."""
    calls = ceil(records / per_call)
    seconds = calls * rate.interval / rate.allowed_requests / 1000
    length = format_duration(timedelta(seconds=seconds))
    return (
        f"{records:,} record{pluralize(records)} at {per_call:,} per call "
        f"{pluralize(calls, 'is,are')} {calls:,} call{pluralize(calls)}. At this allotment "
        f"{pluralize(calls, 'it takes,they take')} about {length}."
    )
