"""Retry delays of deliveries. Pure."""

from datetime import datetime, timedelta

RETRY_FOR = timedelta(hours=24)
MINUTE = timedelta(minutes=1)
# After the first, second, ... failure; the last one is repeated.
DELAYS = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    2 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
    60 * MINUTE,
    120 * MINUTE,
    240 * MINUTE,
)


def delay_after(attempts: int) -> timedelta:
    """The pause after so many failures, to which the caller adds jitter."""
    return DELAYS[min(attempts, len(DELAYS)) - 1]


def next_attempt_at(
    delay: timedelta, tried_from: datetime, now: datetime, *, retry_after_s: float = 0
) -> datetime | None:
    """Time of the next attempt, `delay` from now; None if that is after `RETRY_FOR`.

    The receiver's `retry_after_s`, in seconds, is respected up to the longest delay.
    """
    asked = min(timedelta(seconds=min(retry_after_s, RETRY_FOR.total_seconds())), DELAYS[-1])
    at = now + max(delay, asked)
    return at if at <= tried_from + RETRY_FOR else None
