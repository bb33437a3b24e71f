"""All rows of the database as text, to compare them before and after requests."""

from collections.abc import Iterator

from django.apps import apps
from django.db import connection

# A request of anybody writes here.
OF_EVERY_REQUEST = {"django_session", "usersessions_usersession", "core_cacheentry"}


def read_rows(*, without: tuple[str, ...] = ()) -> set[str]:
    """Every row as text that begins with its table's name, but those of sessions and of the tables
    `without`."""
    return set(iterate_rows({*OF_EVERY_REQUEST, *without}))


def iterate_rows(without: set[str]) -> Iterator[str]:
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    with connection.cursor() as cursor:
        for table in sorted(tables - without):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                values = (f"{name}={value}" for name, value in zip(names, row, strict=True))
                yield f"{table}: {' '.join(values)}"
