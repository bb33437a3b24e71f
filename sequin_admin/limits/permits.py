"""What people and programs say to the limiter. Durations carry their unit in the name."""

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
    """Who goes first. While they wait, backfills get a fifth and probes a twentieth at least."""

    LIVE = "live", "Live"
    BACKFILL = "backfill", "Backfill"
    PROBE = "probe", "Probe"


RANKS = {priority: rank for rank, priority in enumerate(Priority)}


class CallOutcome(models.TextChoices):
    """How a call ended. `unused`: none was made, so its place is free again."""

    OK = "ok", "Answered"
    FAILED = "failed", "Failed"
    THROTTLED = "throttled", "The provider asks us to slow down"
    UNUSED = "unused", "No call was made"


@dataclass(frozen=True)
class PermitLease:
    """The right to one call, until it is released or has ended."""

    credential_id: UUID
    id: str


@dataclass(frozen=True)
class Permit:
    """`leases` that started at `starts_at`, in µs of the store's clock.

    `began` is that time or a little earlier, on this process's monotonic clock in seconds.
    """

    leases: tuple[PermitLease, ...]
    starts_at: int
    began: float


class PermitRefused(Exception):
    """No permit now: ask again in `retry_after_ms`, with `ticket` to keep the place in the line."""

    def __init__(self, retry_after_ms: int, ticket: str = "") -> None:
        super().__init__(f"The rate limit is used up. Ask again in {retry_after_ms:,} ms.")
        self.retry_after_ms, self.ticket = retry_after_ms, ticket


@dataclass(frozen=True)
class PermitRelease:
    """A lease that comes back.

    `used_ms` is how long after its start the provider had counted the call at the latest. Of a
    throttled call, `retry_after_s` pauses everybody. `remaining` is what the provider's headers
    said, good for `reset_s`.
    """

    lease: str
    outcome: CallOutcome = CallOutcome.OK
    retry_after_s: float | None = None
    used_ms: float | None = None
    remaining: int | None = None
    reset_s: float = 0

    def as_return(self, pause_s: float) -> LeaseRelease:
        throttled = self.outcome is CallOutcome.THROTTLED
        wait = pause_s if self.retry_after_s is None else self.retry_after_s
        return LeaseRelease(
            lease=self.lease,
            used=None if self.used_ms is None else round(self.used_ms * MS),
            unused=self.outcome is CallOutcome.UNUSED,
            pause=micro(wait) if throttled else None,
            left=self.remaining,
            resets=micro(self.reset_s),
        )


@dataclass(frozen=True)
class PermitRequest:
    """What is asked for. `also` is a narrower limit, by a name such as the id of a sync."""

    n: int = 1
    wait_ms: int = 0
    lease_ms: int = LEASE_MS
    priority: Priority = Priority.LIVE
    use_within_ms: int = 0
    ticket: str = ""
    also: tuple[str, Rate] | None = None

    def as_ask(self, rate: Rate | RateLimit, wait_ms: float, share: float = 1.0) -> LimiterRequest:
        scope, narrower = self.also or ("", None)
        return LimiterRequest(
            limit=limit_of(rate, share),
            n=self.n,
            priority=RANKS[self.priority],
            wait=round(wait_ms * MS),
            lease=self.lease_ms * MS,
            within=self.use_within_ms * MS,
            ticket=self.ticket,
            scope=scope,
            narrower=limit_of(narrower, share) if narrower else None,
        )


def limit_of(rate: Rate | RateLimit, share: float = 1.0) -> Limit:
    """In µs; of a share of it, at least one at once where there is a cap."""
    return share_of(rate.allowed_requests, rate.interval * MS, rate.max_concurrent_requests, share)


@lru_cache
def share_of(allowed: int, interval: int, at_once: int, share: float) -> Limit:
    return Limit(int(allowed * share), interval, at_once and max(1, int(at_once * share)))


def micro(seconds: float) -> int:
    return ceil(min(max(seconds, 0), LONGEST_PAUSE_S) * 1000 * MS)
