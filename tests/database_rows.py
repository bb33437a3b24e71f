"""All rows of the database as text, to compare them before and after requests."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connection

# A request of anybody writes here.
OF_EVERY_REQUEST = {"django_session", "usersessions_usersession", "core_cacheentry"}

# What was refused is written here.
AUDIT_LOG = ("audit_event", "audit_unsealedevent", "audit_repeatedevent")

# What was read last, and when: a walk reads again only when something was written.
_last: dict[Any, frozenset[str]] = {}


def read_rows(*, without: tuple[str, ...] = ()) -> frozenset[str]:
    """Every row as text that begins with its table's name, but those of sessions and of the tables
    `without`."""
    connection.ensure_connection()
    written = getattr(connection.connection, "total_changes", None)
    if written is None:
        return frozenset(iterate_rows({*OF_EVERY_REQUEST, *without}))
    # What is rolled back is in a savepoint of its own.
    seen = (connection.connection, written, tuple(connection.savepoint_ids), without)
    if seen not in _last:
        _last.clear()
        _last[seen] = frozenset(iterate_rows({*OF_EVERY_REQUEST, *without}))
    return _last[seen]


def iterate_rows(without: set[str]) -> Iterator[str]:
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    with connection.cursor() as cursor:
        for table in sorted(tables - without):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                values = (f"{name}={value}" for name, value in zip(names, row, strict=True))
                yield f"{table}: {' '.join(values)}"
