"""Django's SQL compilers, with an INSERT of many rows that is made by column."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from operator import attrgetter
from uuid import UUID

from django.db.backends.sqlite3 import operations
from django.db.models.sql.compiler import (
    SQLAggregateCompiler,
    SQLCompiler,
    SQLDeleteCompiler,
    SQLUpdateCompiler,
)

from sequin_admin.core.inserts import AnyField, Column, ColumnInserts, Step

__all__ = [
    "SQLAggregateCompiler",
    "SQLCompiler",
    "SQLDeleteCompiler",
    "SQLInsertCompiler",
    "SQLUpdateCompiler",
]


class SQLiteOperations(operations.DatabaseOperations):
    """Finds the compilers of this module."""

    compiler_module = __name__


class SQLiteInserts(ColumnInserts):
    """A placeholder for each value. Times and UUIDs are texts, as Django's fields make them."""

    def steps(self) -> Mapping[type, Step]:
        return {UUID: attrgetter("hex"), datetime: as_text}

    def written(
        self, fields: Sequence[AnyField], columns: Sequence[Column]
    ) -> tuple[list[list[str]], Column]:
        placeholders = [["%s"] * len(columns)] * len(columns[0])
        return placeholders, list(chain.from_iterable(zip(*columns, strict=True)))


SQLInsertCompiler = SQLiteInserts


def as_text(at: datetime) -> str:
    return str(at.astimezone(UTC).replace(tzinfo=None))
