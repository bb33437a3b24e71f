"""What calls remember of the database for as long as nobody changes it.

SQLite has one writer, so the calls of a process come one after another, in transactions of one
connection. It tells exactly whether anything has changed: `PRAGMA data_version` by another
connection, of this process or another, and `total_changes` by itself.
"""

import sqlite3
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, connections, transaction

MOST_VALUES = 5_000
Value = TypeVar("Value")


class Memory:
    """Values by key, and the state of the database that they follow from."""

    def __init__(self) -> None:
        self.connection = connections.create_connection(DEFAULT_DB_ALIAS)
        # Threads take turns.
        self.connection.inc_thread_sharing()
        self.lock = threading.Lock()
        self.values = dict[Hashable, Any]()
        # Changes of rows from which no value follows.
        self.uncounted = 0
        self.state = (-1, -1)
        self.moment = dict[str, Any]()

    @property
    def raw(self) -> sqlite3.Connection:
        return cast(sqlite3.Connection, self.connection.connection)

    def changes(self) -> int:
        return self.raw.total_changes - self.uncounted

    def begin(self) -> None:
        """At the beginning of a transaction, in which nobody else writes."""
        (version,) = self.raw.execute("PRAGMA data_version").fetchone()
        state = (version, self.changes())
        if state != self.state or len(self.values) > MOST_VALUES:
            self.values.clear()
        self.state, self.moment = state, {}

    def get(self, key: Hashable, load: Callable[[], Value]) -> Value:
        """The value. A call that has changed something reads it anew, as that may be undone."""
        if self.changes() != self.state[1]:
            return load()
        if key not in self.values:
            self.values[key] = load()
        return cast(Value, self.values[key])

    def execute(self, statement: str, values: Sequence[object], *, counted: bool) -> sqlite3.Cursor:
        before = self.raw.total_changes
        cursor = self.raw.execute(statement, values)
        if not counted:
            self.uncounted += self.raw.total_changes - before
        return cursor


_current: ContextVar[Memory | None] = ContextVar("memory", default=None)
_memories = list[Memory]()
_first = threading.Lock()


def memory_of_process() -> Memory:
    with _first:
        if not _memories:
            _memories.append(Memory())
        return _memories[0]


@contextmanager
def one_call() -> Iterator[Memory]:
    """The transaction of one call. In it time stands still."""
    memory = memory_of_process()
    own = connections[DEFAULT_DB_ALIAS]
    with memory.lock:
        connections[DEFAULT_DB_ALIAS] = memory.connection
        token = _current.set(memory)
        try:
            with transaction.atomic():
                memory.begin()
                yield memory
        except BaseException:
            memory.values.clear()
            memory.connection.close_if_unusable_or_obsolete()
            raise
        finally:
            _current.reset(token)
            connections[DEFAULT_DB_ALIAS] = own


def remembered(key: Hashable, load: Callable[[], Value]) -> Value:
    """The value that `load` reads, or has read in a call before: nothing has changed since. Who
    changes it saves it in the same call."""
    memory = _current.get()
    return load() if memory is None else memory.get(key, load)


def forget(key: Hashable) -> None:
    """Read this value anew."""
    memory = _current.get()
    if memory:
        memory.values.pop(key, None)


def of_this_call(name: str, load: Callable[[], Value]) -> Value:
    """The value for the rest of this call."""
    memory = _current.get()
    if memory is None:
        return load()
    if name not in memory.moment:
        memory.moment[name] = load()
    return cast(Value, memory.moment[name])


def execute(statement: str, values: Sequence[object], *, counted: bool = True) -> sqlite3.Cursor:
    """Run a statement, with `?` for each value, past Django, which takes five times as long. One
    that is not `counted` changes nothing that is remembered, but for what the caller forgets."""
    memory = _current.get()
    if memory:
        return memory.execute(statement, values, counted=counted)
    connection = connections[DEFAULT_DB_ALIAS]
    connection.ensure_connection()
    return cast(sqlite3.Connection, connection.connection).execute(statement, values)


def sql_time(at: datetime) -> str:
    """As Django's SQLite stores it."""
    return str(at.replace(tzinfo=None))
