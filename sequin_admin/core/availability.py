"""Whether PostgreSQL answers, as far as this process knows. Says once when that changes.

While it is silent, one thread at a time tries it and all others are refused at once: otherwise
each request would wait for its own timeout, and those behind it for a free thread.
"""

import threading
import time

import psycopg
import structlog
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpResponse

log = structlog.get_logger(__name__)
# For clients: a restart or failover takes longer than one wait.
RETRY_AFTER_S = 5
# Between two tries while it is silent.
RETRY_S = 1.0
# Longer than a try takes.
TRIAL_S = 20.0
SILENT = (
    "The database has not answered for {seconds:.0f} s, so nothing was sent to it. It is tried "
    "again every second; see whether it runs and can be reached."
)


# https://www.postgresql.org/docs/current/errcodes-appendix.html, https://www.sqlite.org/rescode.html:
# rollbacks such as deadlocks, locks that were not given, statements that were cancelled.
CONTENDED = ("40", "55P03", "57014", "SQLITE_BUSY", "SQLITE_LOCKED")


class Availability:
    """`is_away`: it can't be reached, or is silent: it keeps us waiting."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.away_since: float | None = None
        self.is_silent = False
        self.silent_at = float("-inf")
        self.next_trial_at = 0.0
        self.trying: int | None = None

    @property
    def is_away(self) -> bool:
        return self.away_since is not None

    def refuse_if_silent(self) -> None:
        """Raises `psycopg.OperationalError` unless it answers or this thread may try it."""
        if not self.is_silent or self.trying == threading.get_ident():
            return
        with self.lock:
            now = time.monotonic()
            if not self.is_silent or now >= self.next_trial_at:
                self.trying, self.next_trial_at = threading.get_ident(), now + TRIAL_S
                return
            seconds = now - (self.away_since or now)
        raise psycopg.OperationalError(SILENT.format(seconds=seconds))

    def record_failure(self, reason: str, *, silent: bool) -> None:
        with self.lock:
            now = time.monotonic()
            is_news = self.away_since is None
            self.away_since = now if self.away_since is None else self.away_since
            if silent:
                self.is_silent, self.silent_at = True, now
            self.trying, self.next_trial_at = None, now + RETRY_S
        if is_news:
            log.error("the database is away", reason=reason)

    def record_answer(self, connected_at: float) -> None:
        """An old connection that works says nothing of new ones, unless it was silent."""
        with self.lock:
            since = self.away_since
            if since is None or not (self.is_silent or connected_at > since):
                return
            self.away_since, self.is_silent, self.trying = None, False, None
        log.info("the database is back", away_s=round(time.monotonic() - since, 1))


database = Availability()


def is_database_error(error: BaseException | None) -> bool:
    """Whether it says that the database can't be used just now, for whatever was asked of it."""
    return isinstance(error, OperationalError | InterfaceError)


def is_contended(error: BaseException) -> bool:
    """Whether the database ended a step that others were in the way of, so that it can be tried
    again: a deadlock, a lock that did not come, a statement that took too long beside them."""
    return is_database_error(error) and code_of(error).startswith(CONTENDED)


def code_of(error: BaseException) -> str:
    """PostgreSQL's SQLSTATE or the name of SQLite's code; empty when the error has none, as when
    there was no connection."""
    cause = error.__cause__
    return str(getattr(cause, "sqlstate", "") or getattr(cause, "sqlite_errorname", "") or "")


def is_unreachable(error: BaseException) -> bool:
    """Whether it says that there is no connection to the database, and none can be made.

    A command closes its connection when it fails, so what the database has answered counts too.
    """
    if not is_database_error(error) or is_contended(error):
        return False
    return database.is_away or connection.connection is None


def is_told(error: BaseException | None) -> bool:
    """Whether the log has said already what an error is about."""
    return database.is_away and is_database_error(error)


def mark_told(answer: HttpResponse, error: BaseException | None) -> None:
    """Let Django log no line of its own for an answer to what the log has said already."""
    answer._has_been_logged = is_told(error)  # type: ignore[attr-defined]
