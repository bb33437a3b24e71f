"""The rate limit of a credential (the specification's `RateLimit`), limiter state and usage."""

from collections.abc import Iterable, Sequence
from typing import Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction

from sequin_admin.access.models import ApiKey, Findable, Organization, find_few
from sequin_admin.access.rights import refuse_lost_right
from sequin_admin.audit.models import record_changes
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.search_language import Term, through
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.search_text import SearchText

DAY_MS = 86_400_000
# The bounds of a rate limit.
MOST_REQUESTS = 1_000_000
SHORTEST_MS, LONGEST_MS = 100, DAY_MS
MOST_AT_ONCE = 10_000
ACTION = "rate_limit.changed"
# Usage summaries that are not all zeros.
USED = models.Q(day_granted__gt=0) | models.Q(day_refused__gt=0) | models.Q(day_throttled__gt=0)


class RateLimit(models.Model):
    """`allowed_requests` per `interval` ms, `max_concurrent_requests` at once (0 = no cap)."""

    credential = models.OneToOneField(
        Credential, models.CASCADE, primary_key=True, related_name="rate_limit"
    )
    allowed_requests = models.PositiveIntegerField(
        validators=[
            MinValueValidator(1, "Allow at least 1 request, or disable the credential instead."),
            MaxValueValidator(
                MOST_REQUESTS, f"{MOST_REQUESTS:,} requests per interval is the most we pace."
            ),
        ],
        help_text="How many requests may start within one interval.",
    )
    interval = models.PositiveIntegerField(
        "interval (ms)",
        validators=[
            MinValueValidator(
                SHORTEST_MS, f"The interval is in milliseconds; {SHORTEST_MS} is the shortest."
            ),
            MaxValueValidator(
                LONGEST_MS,
                f"The interval is in milliseconds; a day ({LONGEST_MS:,}) is the longest.",
            ),
        ],
        help_text="The length of the window in milliseconds: 1000 is a second, 60000 a minute.",
    )
    max_concurrent_requests = models.PositiveIntegerField(
        validators=[
            MaxValueValidator(
                MOST_AT_ONCE, f"{MOST_AT_ONCE:,} requests at once is the most we pace."
            )
        ],
        default=0,
        help_text="How many requests may be under way at the same time. 0 means no cap.",
    )

    def __str__(self) -> str:
        return f"{self.allowed_requests:,} per {format_interval(self.interval)}"

    def as_json(self) -> dict[str, int]:
        """JSON form of the specification."""
        return {name: getattr(self, name) for name in Rate.model_fields}

    def as_rate(self) -> Rate:
        return Rate(**self.as_json())

    def pace(self) -> str:
        """The limit in the largest unit with at least 1: 100 per 10 s -> "10 per second"."""
        if not (self.allowed_requests and self.interval):
            return ""
        for unit_ms in (1000, 60_000, 3_600_000, DAY_MS):
            rate = self.allowed_requests * unit_ms / self.interval
            if rate >= 1:
                break
        return f"{rate:,.4g} per {format_interval(unit_ms)}"

    def doubt(self) -> str:
        """A warning if the numbers look like a mistake, such as seconds for ms; else ""."""
        per_second = self.allowed_requests * 1000 / self.interval
        if self.max_concurrent_requests > self.allowed_requests:
            return (
                f"No more than {self.allowed_requests:,} may start in an interval, so more than "
                "that at once only happens when calls last longer."
            )
        if self.interval >= 60_000 and self.allowed_requests == 1:
            return f"This allows {self.pace()}: a sync of 1,000 pages would take very long."
        if self.interval < 1000 and self.allowed_requests > 50:
            return (
                f"This allows {per_second:,.0f} requests per second: the interval is in ms. "
                f"Did you mean {self.interval * 1000:,} ms?"
            )
        return ""


class UsageSummaryQuerySet(Findable["UsageSummary"]):
    """Found by what finds their credentials, through a join: the ids of all that match would be a
    set to make before the first row is known."""

    def searched(self, text: str) -> Self:
        rows, few = super().searched(text), find_few((SearchText,), text).get(SearchText)
        return rows if few is None else rows.filter(credential__in=few)

    def condition_of(self, term: Term) -> models.Q:
        return through("credential", Credential.objects.all().condition_of(term))


class LimiterState(models.Model):
    """State of a credential's limiter in the database store: a packed `CredentialLimiter`."""

    credential = models.OneToOneField(
        Credential, models.CASCADE, primary_key=True, related_name="limiter_state"
    )
    state = models.TextField(default="{}")

    def __str__(self) -> str:
        return f"Limiter state of {self.credential_id}"


class Quota(models.Model):
    """How many requests of an API key were granted to processes in `minute` (since 1970).

    There is one row for each key, so nothing to prune.
    """

    key = models.OneToOneField(ApiKey, models.CASCADE, primary_key=True, related_name="quota")
    minute = models.PositiveBigIntegerField(default=0)
    used = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.used:,} of {self.key_id}"


class UsageCursor(models.Model):
    """The limiter's counters when they were last sampled."""

    credential = models.OneToOneField(
        Credential, models.CASCADE, primary_key=True, related_name="usage_cursor"
    )
    granted = models.BigIntegerField(default=0)
    throttled = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"Usage cursor of {self.credential_id}"


class SamplePeriod(models.TextChoices):
    """How long a sample is."""

    MINUTE = "minute", "Minute"
    HOUR = "hour", "Hour"


class Sample(models.Model):
    """A credential's usage in the minute or hour that began `at`, written by the worker.

    Sums are `granted`, `throttled` (calls that the provider turned down) and `refused` (permits
    that were asked for in vain); maxima are `under_way` and `waiting`.
    """

    credential = models.ForeignKey(Credential, models.CASCADE, related_name="samples")
    span = models.CharField(max_length=6, choices=SamplePeriod.choices)
    at = models.DateTimeField()
    granted = models.PositiveIntegerField(default=0)
    throttled = models.PositiveIntegerField(default=0)
    # The database has the default too, for workers of the version before.
    refused = models.PositiveIntegerField(default=0, db_default=0)
    under_way = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("credential", "span", "at"), name="sample_once_per_span"
            ),
        )
        indexes = (models.Index(fields=("span", "at"), name="sample_by_age"),)

    def __str__(self) -> str:
        return f"{self.granted:,} in the {self.span} of {self.at:%Y-%m-%d %H:%M}"


class UsageSummary(models.Model):
    """A credential's usage in the last hour and day, as a worker last summed it up.

    Indexed by each order of its list, as a list of many can't be sorted when it is asked for.

    A `share` is that of the limit in this time; 1.0 is all of it. After `resets_at` more calls may
    start, or nothing counts any more.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    credential = models.OneToOneField(Credential, models.CASCADE, related_name="usage_summary")
    provider = models.CharField(max_length=40)
    hour_granted = models.PositiveBigIntegerField(default=0)
    hour_refused = models.PositiveBigIntegerField(default=0)
    hour_throttled = models.PositiveBigIntegerField(default=0)
    hour_share = models.FloatField(default=0)
    day_granted = models.PositiveBigIntegerField(default=0)
    day_refused = models.PositiveBigIntegerField(default=0)
    day_throttled = models.PositiveBigIntegerField(default=0)
    day_share = models.FloatField(default=0)
    resets_at = models.DateTimeField(null=True)
    summed_at = models.DateTimeField(default=clock.now)

    objects = UsageSummaryQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "usage"
        indexes = (
            models.Index(fields=("organization", "hour_share", "id"), name="usage_by_hour"),
            models.Index(fields=("organization", "day_share", "id"), name="usage_by_day"),
            models.Index(fields=("organization", "day_refused", "id"), name="usage_by_refused"),
            models.Index(fields=("organization", "day_throttled", "id"), name="usage_by_throttled"),
            models.Index(fields=("organization", "resets_at", "id"), name="usage_by_reset"),
            models.Index(
                fields=("organization", "provider", "hour_share", "id"), name="usage_of_provider"
            ),
            models.Index(fields=("summed_at",), condition=USED, name="usage_to_sum"),
        )

    def __str__(self) -> str:
        return f"{self.hour_share:.0%} of the last hour's limit of {self.credential_id}"


def get_rate_limit(credential: Credential) -> RateLimit:
    """The credential's own limit, or its kind's default as an unsaved row."""
    return getattr(credential, "rate_limit", None) or default_rate_limit(credential)


def get_rate(credential: Credential) -> Rate:
    """The credential's own limit, or its kind's default."""
    limit: RateLimit | None = getattr(credential, "rate_limit", None)
    return limit.as_rate() if limit else type(credential).rate


def default_rate_limit(credential: Credential) -> RateLimit:
    """The limit of the credential's kind, as an unsaved row."""
    # By id, as Django would otherwise cache the row as `credential.rate_limit`.
    return RateLimit(credential_id=credential.pk, **type(credential).rate.model_dump())


def set_limits(credentials: Iterable[Credential], rate: Rate, *, actor: AnyActor) -> int:
    """Set one limit for many credentials of an organization in a transaction. Returns how many.

    Raises `RightLost`, with nothing changed, when the actor lost the right meanwhile.
    """
    rows = list(credentials)
    with transaction.atomic():
        store_limits([(row, rate) for row in rows], actor=actor)
        if rows:
            refuse_lost_right(actor, rows[0].organization)
    return len(rows)


def set_limit(credential: Credential, rate: Rate, *, actor: AnyActor) -> None:
    """Store and audit a credential's limit. Raises `ValidationError` with messages by field."""
    store_limits([(credential, rate)], actor=actor)


@transaction.atomic
def store_limits(wanted: Sequence[tuple[Credential, Rate]], *, actor: AnyActor) -> None:
    """Store and audit the limit of each credential, with three statements.

    Raises `ValidationError` with messages by field.
    """
    known = RateLimit.objects.select_for_update().in_bulk([row.pk for row, _ in wanted])
    limits, changes = [], []
    for credential, rate in wanted:
        before = (known.get(credential.pk) or default_rate_limit(credential)).as_json()
        limit = RateLimit(credential=credential, **rate.model_dump())
        limit.clean_fields(exclude={"credential"})
        limits.append(limit)
        if (after := limit.as_json()) != before:
            changes.append((credential, ACTION, {"before": before, "after": after}))
    # Sorted, so that concurrent ones do not deadlock.
    RateLimit.objects.bulk_create(
        sorted(limits, key=lambda limit: limit.pk),
        update_conflicts=True,
        unique_fields=["credential"],
        update_fields=list(Rate.model_fields),
    )
    record_changes(changes, actor)


def format_interval(interval_ms: int) -> str:
    """1000 -> "second", 60000 -> "minute", 20000 -> "20 s", 250 -> "250 ms"."""
    named = {1000: "second", 60_000: "minute", 3_600_000: "hour", DAY_MS: "day"}
    if interval_ms in named:
        return named[interval_ms]
    return f"{interval_ms // 1000} s" if interval_ms % 1000 == 0 else f"{interval_ms} ms"
