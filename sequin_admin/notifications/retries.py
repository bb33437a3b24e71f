"""When to try again, and when to give up. Pure."""

from datetime import datetime, timedelta

LASTS = timedelta(hours=24)
MINUTE = timedelta(minutes=1)
# After the first, second... failure; the last one is repeated.
PAUSES = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    2 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
    60 * MINUTE,
    120 * MINUTE,
    240 * MINUTE,
)


def next_try(
    attempts: int, tried_from: datetime, now: datetime, *, spread: float, asked_s: float = 0
) -> datetime | None:
    """When to try again after `attempts` failures; None when `LASTS` would be over by then.

    `spread` (0 to 1) keeps many from trying in step: pauses are 20 % shorter to 20 % longer. A
    receiver that asked to wait `asked_s` seconds is waited for, within the longest pause.
    """
    pause = PAUSES[min(attempts, len(PAUSES)) - 1] * (0.8 + 0.4 * spread)
    asked = min(timedelta(seconds=min(asked_s, LASTS.total_seconds())), PAUSES[-1])
    at = now + max(pause, asked)
    return at if at <= tried_from + LASTS else None
