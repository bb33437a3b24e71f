"""Django's backend for SQLite, with INSERTs that cost less of our time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from operator import attrgetter
from uuid import UUID

from django.db.backends.sqlite3 import base, operations

from sequin_admin.core.inserts import AnyField, Column, ColumnInserts, InsertOperations, Step


class SQLiteInserts(ColumnInserts):
    """A placeholder for each value. Times and UUIDs are texts, as Django's fields make them."""

    def steps(self) -> Mapping[type, Step]:
        return {UUID: attrgetter("hex"), datetime: as_text}

    def written(
        self, fields: Sequence[AnyField], columns: Sequence[Column]
    ) -> tuple[list[list[str]], Column]:
        placeholders = [["%s"] * len(columns)] * len(columns[0])
        return placeholders, list(chain.from_iterable(zip(*columns, strict=True)))


class SQLiteOperations(InsertOperations, operations.DatabaseOperations):
    """Django's, with these INSERTs."""

    inserts = SQLiteInserts


class SQLiteWrapper(base.DatabaseWrapper):
    """Django's, with these operations."""

    ops_class = SQLiteOperations


# Where Django looks.
DatabaseWrapper = SQLiteWrapper


def as_text(at: datetime) -> str:
    return str(at.astimezone(UTC).replace(tzinfo=None))
