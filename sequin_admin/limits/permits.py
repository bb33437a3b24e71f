"""Permits, and what callers say of them in the limiter's units, which are µs."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from django.db import models

from sequin_admin.credentials.kinds import Rate
from sequin_admin.limits.requests import MS, LeaseRelease, LimiterRequest
from sequin_admin.limits.window import Limit

LEASE_MS = 60_000
LONGEST_PAUSE_S = 86_400.0
WHY_REFUSED = {
    False: "The rate limit is used up.",
    True: "Redis has started empty, so calls that it does not know may still be under way.",
}
# How long a throttled call without `Retry-After` pauses: one interval, within these bounds.
PAUSE_S = (1.0, 60.0)


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
class Permit:
    """Ids of granted `leases`, which start at `starts_at`, in µs of the store's clock.

    `began` is that time or slightly earlier, in seconds of this process's monotonic clock.
    """

    leases: tuple[str, ...]
    starts_at: int
    began: float


class PermitRefused(Exception):
    """No permit in time: retry after `retry_after_ms`, with `ticket` to keep the queue position.

    `quiet`: nobody gets any, as the store has started empty.
    """

    def __init__(self, retry_after_ms: int, ticket: str = "", *, quiet: bool = False) -> None:
        super().__init__(f"{WHY_REFUSED[quiet]} Ask again in {retry_after_ms:,} ms.")
        self.retry_after_ms, self.ticket = retry_after_ms, ticket


def make_request(
    rate: Rate,
    n: int = 1,
    *,
    wait_ms: int = 0,
    lease_ms: int = LEASE_MS,
    priority: Priority = Priority.LIVE,
    use_within_ms: int = 0,
    ticket: str = "",
    also: tuple[str, Rate] | None = None,
) -> LimiterRequest:
    """A request under `rate`. `also` is a narrower one with a name, such as a sync's id."""
    scope, narrower = also or ("", None)
    return LimiterRequest(
        limit=to_limit(rate),
        n=n,
        priority=RANKS[priority],
        wait=wait_ms * MS,
        lease=lease_ms * MS,
        within=use_within_ms * MS,
        ticket=ticket,
        scope=scope,
        narrower=to_limit(narrower) if narrower else None,
    )


def make_release(
    rate: Rate,
    lease: str,
    outcome: CallOutcome = CallOutcome.OK,
    *,
    retry_after_s: float | None = None,
    used_ms: float | None = None,
    remaining: int | None = None,
    reset_s: float = 0,
) -> LeaseRelease:
    """The release of a lease.

    `used_ms` is the latest time after its start at which the provider counted the call. After a
    throttled call the credential pauses for `retry_after_s`, or for one interval of `rate`.
    `remaining` is from the provider's headers, valid for `reset_s`.
    """
    throttled = outcome is CallOutcome.THROTTLED
    return LeaseRelease(
        lease=lease,
        used=None if used_ms is None else round(used_ms * MS),
        unused=outcome is CallOutcome.UNUSED,
        pause=to_microseconds(pause_s(rate, retry_after_s)) if throttled else None,
        left=remaining,
        resets=to_microseconds(reset_s),
    )


def pause_s(rate: Rate, retry_after_s: float | None) -> float:
    shortest, longest = PAUSE_S
    interval_s = min(max(rate.interval / 1000, shortest), longest)
    return interval_s if retry_after_s is None else retry_after_s


def to_limit(rate: Rate) -> Limit:
    """The rate in µs."""
    return make_limit(rate.allowed_requests, rate.interval * MS, rate.max_concurrent_requests)


make_limit = lru_cache(Limit)


def to_microseconds(seconds: float) -> int:
    return ceil(min(max(seconds, 0), LONGEST_PAUSE_S) * 1000 * MS)


def most_at_once(own: Rate, also: tuple[str, Rate] | None) -> int:
    """How many permits to ask for at once: more would be lost to others when a process is slow."""
    rates = [own, also[1]] if also else [own]
    bounds = [n for rate in rates for n in (rate.allowed_requests, rate.max_concurrent_requests)]
    return max(min(n for n in bounds if n) // 10, 1)
