"""Django's SQL compilers for PostgreSQL, with an INSERT of many rows that costs less of our time.

Django sends an array for each column, whose values psycopg adapts and quotes one by one. Here the
rows are one JSON document, written by a fast encoder; the server reads it with the columns' types.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import orjson
from django.db import models
from django.db.backends.postgresql import compiler, operations
from django.db.backends.postgresql.compiler import (
    InsertUnnest,
    SQLAggregateCompiler,
    SQLCompiler,
    SQLDeleteCompiler,
    SQLUpdateCompiler,
)
from django.db.backends.postgresql.psycopg_any import Jsonb

__all__ = [
    "SQLAggregateCompiler",
    "SQLCompiler",
    "SQLDeleteCompiler",
    "SQLInsertCompiler",
    "SQLUpdateCompiler",
]
Value = TypeVar("Value")
# Values of these classes are stored as they are. A field of our own is not here, also if it derives
# from one of these: it may encrypt or refuse its value.
PLAIN: Mapping[type, type] = {
    models.BooleanField: bool,
    models.CharField: str,
    models.DateTimeField: datetime,
    models.ForeignKey: UUID,
    models.TextField: str,
    models.UUIDField: UUID,
}


class DatabaseOperations(operations.DatabaseOperations):
    """Finds the compilers of this module."""

    compiler_module = __name__


class InsertRecords(InsertUnnest):
    """Rows as one JSON parameter. Its members are columns with their types."""

    def __str__(self) -> str:
        return f"json_to_recordset(%s) AS rows ({', '.join(self)})"


class SQLInsertCompiler(compiler.SQLInsertCompiler):
    """Inserts as JSON what Django would insert as arrays and JSON can hold."""

    def prepare_value(self, field: object, value: Value) -> Value:
        plain = PLAIN.get(type(field))
        is_plain = plain and (value is None or type(value) is plain)
        if is_plain and not (isinstance(value, datetime) and value.tzinfo is None):
            return value
        prepared: Value = super().prepare_value(field, value)
        return prepared

    def pre_save_val(self, field: Any, obj: models.Model) -> object:
        # Of these, only the time of a change is not what the row says.
        if type(field) in PLAIN and not (
            getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
        ):
            return getattr(obj, field.attname)
        return super().pre_save_val(field, obj)

    def assemble_as_sql(
        self,
        fields: Sequence["models.Field[object, object]"],
        value_rows: Sequence[Sequence[object]],
    ) -> tuple[list[list[str]], list[list[object]]]:
        made: tuple[list[list[str]], list[list[object]]]
        made = super().assemble_as_sql(fields, value_rows)
        if not isinstance(made[0], InsertUnnest) or not fits_json(fields, value_rows):
            return made
        names = [field.column for field in fields]
        rows = [dict(zip(names, row, strict=True)) for row in value_rows]
        try:
            written = orjson.dumps(rows, default=write_json).decode()
        except TypeError:
            return made
        quote = self.connection.ops.quote_name
        # Without a length, as Django does: a cast to varchar(50) would cut what is longer.
        types = [str(field.db_type(self.connection)).split("(")[0] for field in fields]
        columns = (f"{quote(n)} {type_}" for n, type_ in zip(names, types, strict=True))
        return InsertRecords(columns), [[written]]


def fits_json(
    fields: Sequence["models.Field[object, object]"], value_rows: Sequence[Sequence[object]]
) -> bool:
    """False where JSON, or its encoder, loses something: it has no NaN, and cuts offsets of times
    to minutes (RFC 3339), where zones of before about 1900 have seconds."""
    if any(isinstance(field, models.FloatField) for field in fields):
        return False
    times = [n for n, field in enumerate(fields) if isinstance(field, models.DateTimeField)]
    others = [
        value
        for row in value_rows
        for number in times
        if isinstance(value := row[number], datetime) and value.tzinfo is not UTC
    ]
    return all(map(has_whole_minutes, others))


def has_whole_minutes(value: datetime) -> bool:
    """Whether its zone is minutes ahead or behind."""
    return not (value.utcoffset() or timedelta()) % timedelta(minutes=1)


def write_json(value: object) -> orjson.Fragment:
    """A value of a JSON column. Raises `TypeError` for other classes."""
    if not isinstance(value, Jsonb) or value.dumps is None:
        raise TypeError(type(value).__name__)
    return orjson.Fragment(value.dumps(value.obj))
