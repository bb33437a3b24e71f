"""The current time. All code calls `now()`, so that tests can freeze one function.

Several processes agree on the database's time. On PostgreSQL what is due and which lease has
expired is compared in SQL with its clock (`DatabaseTime`), and `now()` is this machine's clock
corrected by the offset that was measured when the process connected. SQLite is a file of one
machine, whose clock all its processes share: there the offset is zero. (Rate limits have the time
of their own store, the database or Redis.)
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from typing import Any

import structlog
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

log = structlog.get_logger(__name__)
# Smaller ones don't matter: leases and margins are of ten seconds and more.
LEAST_OFFSET = timedelta(seconds=0.5)
# From here on people are told.
NOTABLE_OFFSET_S = 2.0
MEASURE_EVERY_S = 60
# The days that people may choose.
EARLIEST, LATEST = date(1970, 1, 1), date(2999, 12, 31)
_offset = timedelta()
_measured_at = float("-inf")
# The time that a block of `at()` has set, in its thread alone.
_moment = ContextVar[datetime | None]("moment", default=None)


def from_iso(text: str) -> datetime:
    """The time of ISO 8601, in UTC where it has no zone. Raises `ValueError`."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def in_utc(at: datetime) -> datetime:
    """A moment that somebody chose, in UTC. Raises `ValueError` for one of another year than from
    `EARLIEST` to `LATEST`: around the years 1 and 9999 there are moments that have no day in some
    time zone, and that PostgreSQL stores but Python can't read."""
    if not EARLIEST.year <= at.year <= LATEST.year:
        raise ValueError(f"Choose a time in the years {EARLIEST.year} to {LATEST.year}.")
    return at.astimezone(UTC)


def now() -> datetime:
    return _moment.get() or timezone.now() + _offset


_now, _timezone_now = now, timezone.now


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let `now()` be this moment in the block, for what makes a past: the demo's history."""
    before = _moment.set(moment)
    try:
        yield
    finally:
        _moment.reset(before)


def ahead_s() -> float:
    """How many seconds this machine's clock is ahead of the database's, as measured last."""
    return -_offset.total_seconds()


def describe_offset(seconds: float) -> str:
    """A sentence for people about a clock that is `seconds` ahead; empty when it is right."""
    if abs(seconds) < NOTABLE_OFFSET_S:
        return ""
    way = "ahead of" if seconds > 0 else "behind"
    return (
        f"Its clock is {abs(seconds):.0f} seconds {way} the database's. What it stores, compares "
        "and signs is corrected, its log is not: set the machine's clock by NTP, or that of the "
        "database where every worker says the same."
    )


def measure(connection: BaseDatabaseWrapper) -> None:
    """Measure the offset anew, with one query, at most every `MEASURE_EVERY_S` seconds."""
    global _offset, _measured_at
    if connection.vendor != "postgresql" or time.monotonic() - _measured_at < MEASURE_EVERY_S:
        return
    with connection.cursor() as cursor:
        before = datetime.now(UTC)
        cursor.execute("SELECT clock_timestamp()")
        (there,) = cursor.fetchone()
        took = datetime.now(UTC) - before
    ahead = there - before - took / 2
    _offset = ahead if abs(ahead) >= LEAST_OFFSET + took / 2 else timedelta()
    _measured_at = time.monotonic()
    if describe_offset(ahead_s()):
        log.warning("clock differs from the database's", ahead_s=ahead_s())


def on_connected(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Receiver of Django's `connection_created`."""
    measure(connection)


class DatabaseTime(models.Expression):
    """The database's time plus `shift`, in SQL. While the clock is set (`at()`, a test): that time.

    `stored`: read once the row is locked, for values to store. Otherwise the time of the statement,
    which indexes can be searched for.
    """

    output_field = models.DateTimeField()

    def __init__(self, shift: timedelta = timedelta(), *, stored: bool = False) -> None:
        super().__init__()
        self.shift, self.stored = shift, stored

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self.output_field.get_db_prep_value(now() + self.shift, connection),)

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, tuple[object, ...]]:
        if _moment.get() or now is not _now or timezone.now is not _timezone_now:
            return self.as_sql(compiler, connection)
        function = "CLOCK_TIMESTAMP()" if self.stored else "STATEMENT_TIMESTAMP()"
        return f"({function} + %s)", (self.shift,)
