"""How long this process waits for one answer of PostgreSQL.

A stopped server enforces no timeout, and one that is set for a session leaks to others through
PgBouncer in transaction mode, so the waiting itself ends (`core.postgresql.base`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import inf

from django.conf import settings


@dataclass(frozen=True)
class StatementLimits:
    """Seconds that one statement may take, and that one in a transaction may wait for a lock.

    While the database gives no answer to others, or the process is to stop, `short_s` holds.
    """

    statement_s: float = inf
    lock_s: float = inf
    short_s: float = inf


# Of all threads but those below. None in commands: migrations and rotations take their time.
_of_process = StatementLimits()
_of_thread: ContextVar[StatementLimits | None] = ContextVar("statement_limits", default=None)


def current() -> StatementLimits:
    return _of_thread.get() or _of_process


def limit_process(limits: StatementLimits) -> None:
    """The limits of all threads that have no others."""
    global _of_process
    _of_process = limits


@contextmanager
def limited(limits: StatementLimits) -> Iterator[None]:
    """Other limits for this thread, in the block."""
    token = _of_thread.set(limits)
    try:
        yield
    finally:
        _of_thread.reset(token)


def for_web() -> StatementLimits:
    limit_s = settings.DATABASE_STATEMENT_TIMEOUT_S
    return StatementLimits(limit_s, settings.DATABASE_LOCK_TIMEOUT_S, limit_s)


def for_worker() -> StatementLimits:
    limit_s = settings.DATABASE_WORKER_STATEMENT_TIMEOUT_S
    return StatementLimits(limit_s, short_s=limit_s)


def for_chores() -> StatementLimits:
    limit_s = settings.DATABASE_CHORE_STATEMENT_TIMEOUT_S
    return StatementLimits(limit_s, short_s=settings.DATABASE_WORKER_STATEMENT_TIMEOUT_S)
