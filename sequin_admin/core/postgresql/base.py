"""Django's backend for PostgreSQL, on connections whose every wait ends, with fewer trips.

psycopg asks the socket at least ten times a second, in the thread that waits, so the limit is held
there: a slow statement is cancelled, and when no answer follows, the connection is closed. Neither
needs the server, PgBouncer's mode or another thread.
"""

import select
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from typing import Any, TypeVar, cast

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import IsolationLevel
from django.db.backends.utils import CursorWrapper
from psycopg import Cursor, generators
from psycopg.abc import PQGen
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.types.string import TextLoader
from psycopg.waiting import Ready

from sequin_admin.core import shutdown, statement_limits
from sequin_admin.core.availability import database
from sequin_admin.core.postgresql.compiler import DatabaseOperations

Answer = TypeVar("Answer")
# After its limit a statement is cancelled; an answer must come within this time.
CANCEL_S = 0.7
AS_TEXT = ("timestamptz", "uuid")
Rows = Sequence[tuple[object, ...]]
# The stubs don't know that it is psycopg's.
make_cursor = cast(Callable[[object], Cursor], base.ServerBindingCursor)


class BoundedConnection(psycopg.Connection[tuple[object, ...]]):
    """A connection with the limits of `statement_limits`, as they are when a statement starts."""

    connected_at = 0.0
    kept_cursors: dict[bool, Cursor]

    def kept_cursor(self, as_text: bool) -> Cursor:
        """A cursor for statements that come again. It stays open: to make one costs more than to
        read a row."""
        cursor = self.kept_cursors.get(as_text)
        if cursor is None:
            cursor = self.kept_cursors[as_text] = make_cursor(self)
            for name in AS_TEXT if as_text else ():
                cursor.adapters.register_loader(name, TextLoader)
        return cursor

    def wait(
        self, gen: PQGen[Answer], interval: float = 0.1, timeout: float | None = None
    ) -> Answer:
        """Raises `psycopg.OperationalError` when no answer comes in time."""
        database.refuse_if_silent()
        try:
            return super().wait(self.within_limit(gen), interval, timeout)
        except psycopg.OperationalError as error:
            if self.pgconn.status == ConnStatus.BAD and not database.is_silent:
                database.record_failure(str(error), silent=False)
            raise

    def within_limit(self, gen: PQGen[Answer]) -> PQGen[Answer]:
        """Pass on what `gen` waits for and gets; each time that nothing came, look at the clock.

        The server has answered when something came: autocommit, for one, is set without asking it.
        """
        began, cancelled, answered = time.monotonic(), False, False
        try:
            waiting_for = next(gen)
            while True:
                ready = yield waiting_for
                answered = answered or bool(ready & Ready.R)
                if ready == Ready.NONE:
                    over_s = time.monotonic() - began - limit_s()
                    if over_s >= 0 and not cancelled:
                        cancelled = True
                        self.cancel_soon()
                    elif over_s >= CANCEL_S:
                        self.give_up(over_s)
                waiting_for = gen.send(ready)
        except StopIteration as end:
            if answered and database.is_away:
                database.record_answer(self.connected_at)
            answer: Answer = end.value
            return answer

    def cancel_soon(self) -> None:
        """Ask the server to cancel the statement, whose error is then its answer."""
        with suppress(psycopg.Error):
            self.cancel_safe(timeout=CANCEL_S)

    def give_up(self, over_s: float) -> None:
        """Close the socket. Raises `psycopg.OperationalError`."""
        self.pgconn.finish()
        reason = f"A statement got no answer {over_s:.1f} s after its limit."
        database.record_failure(reason, silent=True)
        raise psycopg.OperationalError(
            f"{reason} The connection was closed, and whether it was done is not known."
        )

    def _start_query(self) -> PQGen[None]:
        """A transaction starts with the lock timeout, in one message with BEGIN: it holds in this
        transaction alone, whichever connection of PgBouncer runs it."""
        lock_s = statement_limits.current().lock_s
        starts = not self._autocommit and self.pgconn.transaction_status == TransactionStatus.IDLE
        if lock_s == inf or not starts:
            yield from super()._start_query()
            return
        timeout = f"; SET LOCAL lock_timeout = {round(lock_s * 1000)}"
        self.pgconn.send_query(self._get_tx_start_command() + timeout.encode())
        for result in (yield from generators.execute(self.pgconn)):
            if result.status != ExecStatus.COMMAND_OK:
                raise psycopg.errors.error_from_result(result)


def limit_s() -> float:
    """Seconds from the start of the current statement; shorter once there is a reason to hurry."""
    limits = statement_limits.current()
    hurry = database.is_silent or shutdown.is_requested()
    return limits.short_s if hurry else limits.statement_s


class DatabaseWrapper(base.DatabaseWrapper):
    """Opens bounded connections, records when none can be opened, asks whether one is alive only
    when the server has said something, and has a cursor whose statements the server keeps."""

    ops_class = DatabaseOperations
    connection: BoundedConnection | None
    health_check_done: bool

    def get_new_connection(self, conn_params: dict[str, Any]) -> BoundedConnection:
        self.isolation_level = IsolationLevel.READ_COMMITTED
        database.refuse_if_silent()
        try:
            opened = BoundedConnection.connect(**conn_params)
        except psycopg.OperationalError as error:
            silent = isinstance(error, psycopg.errors.ConnectionTimeout)
            database.record_failure(str(error), silent=silent)
            raise
        opened.connected_at, opened.kept_cursors = time.monotonic(), {}
        return opened

    def close_if_health_check_failed(self) -> None:
        """As Django's, which sends `SELECT 1` before the first query of every request.

        A server that ends a connection says so: until something has arrived, it is alive.
        """
        if self.connection is not None and not self.health_check_done:
            self.health_check_done = self.is_current() and self.is_quiet()
        super().close_if_health_check_failed()

    def is_usable(self) -> bool:
        return self.is_current() and super().is_usable()

    def is_current(self) -> bool:
        """Not if it is from before a silence: after a failover it would wait for the old server."""
        opened_at = getattr(self.connection, "connected_at", 0.0)
        return opened_at > database.silent_at

    def is_quiet(self) -> bool:
        """Whether nothing has arrived on the idle connection: neither a message nor its end."""
        if self.connection is None or self.connection.closed:
            return False
        arrived = select.poll()
        arrived.register(self.connection.fileno(), select.POLLIN)
        return not arrived.poll(0)

    def fetch_prepared(self, sql: str, params: Sequence[object], *, as_text: bool) -> Rows:
        """All rows. Parameters are sent beside the statement, which is prepared by the server when
        it comes again (`prepare_threshold`). `as_text`: times and UUIDs come as text."""
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor = cast(BoundedConnection, self.connection).kept_cursor(as_text)
            if self.queries_logged or self.execute_wrappers:
                wrapped: CursorWrapper = self._prepare_cursor(cursor)  # type: ignore[attr-defined]
                wrapped.execute(sql, cast(Sequence[str], params))
            else:
                cursor.execute(sql, params)
            return cursor.fetchall()
