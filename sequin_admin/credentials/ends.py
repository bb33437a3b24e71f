"""When notices of an end are due: 30, 7 and 1 days before, none earlier than half the life of what
ends. Pure functions."""

from datetime import datetime, timedelta

DAY = timedelta(days=1)
EARLY, STATUS, LAST = 30 * DAY, 7 * DAY, DAY
STEPS = (EARLY, STATUS, LAST)
# An end that is told in seconds from now differs a little each time.
SAME_END = DAY


def capped(before: timedelta, life: timedelta | None) -> timedelta:
    """A time before the end, at most half the life of what ends."""
    return min(before, life / 2) if life else before


def step_due(
    left: timedelta, life: timedelta | None, steps: tuple[timedelta, ...] = STEPS
) -> timedelta | None:
    """The step whose notice is due with so much time left; None when none is, or it has ended."""
    if left <= timedelta():
        return None
    return min((step for step in steps if left <= capped(step, life)), default=None)


def message_due(left: timedelta, life: timedelta | None) -> timedelta | None:
    """As `step_due()`, for the access of a credential: at 7 days its status changes, and the
    incident is the notice."""
    step = step_due(left, life)
    return None if step == STATUS else step


def first_notice_at(ends_at: datetime, life: timedelta | None, now: datetime) -> datetime | None:
    """When the first message of a credential's end is due, perhaps at once."""
    early_at, status_at = ends_at - capped(EARLY, life), ends_at - capped(STATUS, life)
    if early_at < status_at and now < status_at:
        return early_at
    return last_notice_at(ends_at, life, now)


def last_notice_at(ends_at: datetime, life: timedelta | None, now: datetime) -> datetime | None:
    """When the last message is due; None once the end has come."""
    return ends_at - capped(LAST, life) if now < ends_at else None


def is_same_end(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) < SAME_END
