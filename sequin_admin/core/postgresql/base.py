"""Django's backend for PostgreSQL, with fewer trips to the server."""

import select
from collections.abc import Callable
from typing import cast

from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper
from psycopg import Cursor
from psycopg.types.string import TextLoader

# The stubs don't know that it is psycopg's.
make_cursor = cast(Callable[[object], Cursor], base.ServerBindingCursor)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that asks whether it is alive only when the server has said something, and a
    cursor whose statements the server keeps."""

    health_check_done: bool

    def close_if_health_check_failed(self) -> None:
        """As Django's, which sends `SELECT 1` before the first query of every request.

        A server that ends a connection says so: until something has arrived, it is alive.
        """
        if self.connection is not None and not self.health_check_done and self.is_silent():
            self.health_check_done = True
        super().close_if_health_check_failed()

    def is_silent(self) -> bool:
        """Whether nothing has arrived on the idle connection: neither a message nor its end."""
        if self.connection.closed:
            return False
        arrived = select.poll()
        arrived.register(self.connection.fileno(), select.POLLIN)
        return not arrived.poll(0)

    def prepared_cursor(self, times_as_text: bool = False) -> CursorWrapper:
        """A cursor that sends parameters beside the statement, which is prepared by the server when
        it comes again (`prepare_threshold`)."""
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor = make_cursor(self.connection)
            if times_as_text:
                cursor.adapters.register_loader("timestamptz", TextLoader)
            wrapped: CursorWrapper = self._prepare_cursor(cursor)  # type: ignore[attr-defined]
            return wrapped
