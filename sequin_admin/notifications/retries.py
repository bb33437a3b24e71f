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


def next_attempt_at(
    attempts: int, tried_from: datetime, now: datetime, *, spread: float, retry_after_s: float = 0
) -> datetime | None:
    """Time of the next attempt after `attempts` failures; None if that is after `RETRY_FOR`.

    `spread` (0 to 1) is jitter: delays are 20 % shorter to 20 % longer. The receiver's
    `retry_after_s`, in seconds, is respected up to the longest delay.
    """
    delay = DELAYS[min(attempts, len(DELAYS)) - 1] * (0.8 + 0.4 * spread)
    asked = min(timedelta(seconds=min(retry_after_s, RETRY_FOR.total_seconds())), DELAYS[-1])
    at = now + max(delay, asked)
    return at if at <= tried_from + RETRY_FOR else None
