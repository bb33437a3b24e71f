"""The one writer of a sync's rows in a target.

A run's lease may end while its process still lives: stopped, swapped out, cut off. Two things keep
it from writing after another has begun. An **advisory lock** of (sync, target) is held on a
connection of its own for as long as the run. And each transaction looks at the **fence**, a row
with the run's consumer and fence, and keeps it from changing until it has ended.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from sequin_admin.client.errors import SequinError, TryLater

PATIENCE_S = 30
RETRY_S = 0.2
TAKEN = "Another run writes to this target now. This one has written nothing since it began."
HOLDS = """\
CREATE SCHEMA IF NOT EXISTS {dataset};
CREATE TABLE IF NOT EXISTS {table} (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), consumer text, fence bigint
)"""
TAKE = """\
INSERT INTO {table} AS held (consumer, fence) VALUES (%(consumer)s, %(fence)s)
ON CONFLICT (only_row) DO UPDATE SET consumer = excluded.consumer, fence = excluded.fence
WHERE held.consumer <> excluded.consumer OR held.fence <= excluded.fence RETURNING fence"""
# Blocks who would take it, until the end of the transaction.
LOOK = "SELECT 1 FROM {table} WHERE consumer = %(consumer)s AND fence = %(fence)s FOR SHARE"
END_OLDER = """\
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
AND application_name ~ %(pattern)s AND split_part(application_name, ' ', 4)::bigint < %(fence)s"""


class Replaced(SequinError):
    """Another run writes to the target instead."""


@dataclass(frozen=True)
class WriterIdentity:
    """Who writes: a run of a sync for a consumer, into a target."""

    sync_id: str
    target_id: str
    consumer_id: str
    fence: int

    @property
    def lock_key(self) -> int:
        """64 bits for `pg_advisory_lock`."""
        named = hashlib.sha256(f"{self.sync_id} {self.target_id}".encode()).digest()
        return int.from_bytes(named[:8], "big", signed=True)

    @property
    def pattern(self) -> str:
        """What `application_name` of this consumer's runs matches."""
        return f"^sequin {self.sync_id[:8]} {self.consumer_id[:8]} [0-9]+$"

    @property
    def application_name(self) -> str:
        return f"sequin {self.sync_id[:8]} {self.consumer_id[:8]} {self.fence}"


class Writer:
    """Holds the lock and the fence of a dataset, which is a schema of the target's database."""

    def __init__(self, claim: WriterIdentity, parameters: dict[str, Any], dataset: str) -> None:
        self.claim, self.dataset = claim, dataset
        self.parameters = {**parameters, "application_name": claim.application_name}
        self.known = {"consumer": claim.consumer_id, "fence": claim.fence}
        table = sql.Identifier(dataset, "_sequin_writer")
        self.names = {"table": table, "dataset": sql.Identifier(dataset)}
        self.holder = self.connect()

    def connect(self) -> Connection:
        """A connection in autocommit mode. Raises `psycopg2.OperationalError`."""
        connection = psycopg2.connect(**self.parameters)
        connection.autocommit = True
        return connection

    def close(self) -> None:
        self.holder.close()

    def take(self) -> None:
        """Take the lock, and put up the fence. Raises `Replaced`, and `TryLater` while another
        consumer writes the same rows."""
        ends = time.monotonic() + PATIENCE_S
        while not (self.try_lock() and self.try_fence()):
            if time.monotonic() > ends:
                raise TryLater("Another consumer writes this sync's rows to this target now.")
            time.sleep(RETRY_S)

    def try_lock(self) -> bool:
        with self.holder.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'; SET client_min_messages = 'warning'")
            self.end_older(cursor)
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [self.claim.lock_key])
            return bool(cursor.fetchone()[0])

    def end_older(self, cursor: Cursor) -> None:
        """End the sessions of this consumer's earlier runs, whose leases have ended. What they have
        not committed is rolled back."""
        cursor.execute(END_OLDER, {"pattern": self.claim.pattern, "fence": self.claim.fence})

    def try_fence(self) -> bool:
        """False while a transaction of an earlier run lasts. Raises `Replaced`."""
        with self.holder.cursor() as cursor:
            cursor.execute(sql.SQL(HOLDS).format(**self.names))
            try:
                cursor.execute(sql.SQL(TAKE).format(**self.names), self.known)
            except errors.LockNotAvailable:
                return False
            if cursor.fetchone() is None:
                raise Replaced(TAKEN)
        return True

    def check_lock(self) -> None:
        """Raises `psycopg2.OperationalError` when the lock's connection has ended."""
        with self.holder.cursor() as cursor:
            cursor.execute("SELECT 1")

    def check_fence(self, cursor: Cursor) -> None:
        """For the beginning of each transaction. Raises `Replaced`."""
        cursor.execute(sql.SQL(LOOK).format(**self.names), self.known)
        if cursor.fetchone() is None:
            raise Replaced(TAKEN)

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """A cursor of a transaction behind the fence."""
        connection = self.connect()
        try:
            connection.autocommit = False
            with connection, connection.cursor() as cursor:
                self.check_fence(cursor)
                yield cursor
        finally:
            connection.close()
