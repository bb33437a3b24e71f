"""Requests, permits and releases of the limiter's callers. Units of durations are in the names."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from uuid import UUID

from django.db import models

from sequin_admin.credentials.kinds import Rate
from sequin_admin.limits.models import RateLimit
from sequin_admin.limits.requests import MS, LeaseRelease, LimiterRequest
from sequin_admin.limits.window import Limit

LEASE_MS = 60_000
LONGEST_PAUSE_S = 86_400.0


class Priority(models.TextChoices):
    """Order of waiting requests; backfills get at least a fifth of permits, probes a twentieth."""

    LIVE = "live", "Live"
    BACKFILL = "backfill", "Backfill"
    PROBE = "probe", "Probe"


RANKS = {priority: rank for rank, priority in enumerate(Priority)}


class CallOutcome(models.TextChoices):
    """How a call ended. `unused`: none was made, so it does not count."""

    OK = "ok", "Answered"
    FAILED = "failed", "Failed"
    THROTTLED = "throttled", "The provider asks us to slow down"
    UNUSED = "unused", "No call was made"


@dataclass(frozen=True)
class PermitLease:
    """The right to make one call, until it is released or expires."""

    credential_id: UUID
    id: str


@dataclass(frozen=True)
class Permit:
    """Granted `leases`, which start at `starts_at`, in µs of the store's clock.

    `began` is that time or slightly earlier, in seconds of this process's monotonic clock.
    """

    leases: tuple[PermitLease, ...]
    starts_at: int
    began: float


class PermitRefused(Exception):
    """No permit in time: retry after `retry_after_ms`, with `ticket` to keep the queue position."""

    def __init__(self, retry_after_ms: int, ticket: str = "") -> None:
        super().__init__(f"The rate limit is used up. Ask again in {retry_after_ms:,} ms.")
        self.retry_after_ms, self.ticket = retry_after_ms, ticket


@dataclass(frozen=True)
class PermitRelease:
    """The release of a lease.

    `used_ms` is the latest time after its start at which the provider counted the call. After a
    throttled call the credential pauses for `retry_after_s`. `remaining` is from the provider's
    headers, valid for `reset_s`.
    """

    lease: str
    outcome: CallOutcome = CallOutcome.OK
    retry_after_s: float | None = None
    used_ms: float | None = None
    remaining: int | None = None
    reset_s: float = 0

    def to_lease_release(self, pause_s: float) -> LeaseRelease:
        throttled = self.outcome is CallOutcome.THROTTLED
        wait = pause_s if self.retry_after_s is None else self.retry_after_s
        return LeaseRelease(
            lease=self.lease,
            used=None if self.used_ms is None else round(self.used_ms * MS),
            unused=self.outcome is CallOutcome.UNUSED,
            pause=to_microseconds(wait) if throttled else None,
            left=self.remaining,
            resets=to_microseconds(self.reset_s),
        )


@dataclass(frozen=True)
class PermitRequest:
    """A request for permits. `also` is a second, narrower limit with a name such as a sync's id."""

    n: int = 1
    wait_ms: int = 0
    lease_ms: int = LEASE_MS
    priority: Priority = Priority.LIVE
    use_within_ms: int = 0
    ticket: str = ""
    also: tuple[str, Rate] | None = None

    def to_limiter_request(
        self, rate: Rate | RateLimit, wait_ms: float, share: float = 1.0
    ) -> LimiterRequest:
        scope, narrower = self.also or ("", None)
        return LimiterRequest(
            limit=to_limit(rate, share),
            n=self.n,
            priority=RANKS[self.priority],
            wait=round(wait_ms * MS),
            lease=self.lease_ms * MS,
            within=self.use_within_ms * MS,
            ticket=self.ticket,
            scope=scope,
            narrower=to_limit(narrower, share) if narrower else None,
        )


def to_limit(rate: Rate | RateLimit, share: float = 1.0) -> Limit:
    """The limit in µs, times `share`; a cap on concurrency stays at least one."""
    return scaled_limit(
        rate.allowed_requests, rate.interval * MS, rate.max_concurrent_requests, share
    )


@lru_cache
def scaled_limit(allowed: int, interval: int, at_once: int, share: float) -> Limit:
    return Limit(int(allowed * share), interval, at_once and max(1, int(at_once * share)))


def to_microseconds(seconds: float) -> int:
    return ceil(min(max(seconds, 0), LONGEST_PAUSE_S) * 1000 * MS)
