"""When the next run of a pair of sync and consumer is due. Pure."""

from datetime import datetime, timedelta

from sequin_admin.core.jitter import jittered

CONTINUOUS = "continuous"
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
# The least time between the end of a run and the start of the next.
PAUSE = timedelta(seconds=5)
# What `continuous` counts as where a time is needed: see `late_after()`.
CONTINUOUS_AS = timedelta(minutes=5)
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=10), timedelta(hours=1)
# After so many failures in a row for which somebody must act, no run starts by itself.
MOST_FAULTS = 5


def interval(frequency: str) -> timedelta:
    """The time from the start of one run to the start of the next; zero for `continuous`."""
    if frequency == CONTINUOUS:
        return timedelta()
    return int(frequency[:-1]) * UNITS[frequency[-1]]


def next_due(frequency: str, started_at: datetime, now: datetime) -> datetime:
    """After a run that was started then and has just ended."""
    return max(started_at + interval(frequency), now + PAUSE)


def retry_due(failures: int, now: datetime) -> datetime:
    """After the `failures`-th failure in a row: exponential, 10 s to an hour, with jitter."""
    delay = min(FIRST_DELAY * 2 ** min(failures - 1, 12), LONGEST_DELAY)
    return now + jittered(delay, 0.5, 1)


def late_after(frequency: str) -> timedelta:
    """How long after its last success a sync is late: twice its frequency."""
    return 2 * (interval(frequency) or CONTINUOUS_AS)
