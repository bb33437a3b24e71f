"""Django's operations on PostgreSQL, with an INSERT of many rows that costs less of our time.

Django sends an array for each column, whose values psycopg adapts and quotes one by one. Here the
rows are one JSON document, written by a fast encoder; the server reads it with the columns' types.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import orjson
from django.db import models
from django.db.backends.postgresql import compiler, operations
from django.db.backends.postgresql.compiler import InsertUnnest
from django.db.backends.postgresql.psycopg_any import Jsonb

from sequin_admin.core.inserts import AnyField, Column, ColumnInserts, InsertOperations


class InsertRecords(InsertUnnest):
    """Rows as one JSON parameter. Its members are columns with their types."""

    def __str__(self) -> str:
        return f"json_to_recordset(%s) AS rows ({', '.join(self)})"


class RecordInserts(ColumnInserts, compiler.SQLInsertCompiler):
    """Inserts as JSON what Django would insert as arrays and JSON can hold."""

    def takes(self, field: AnyField) -> bool:
        """JSON has no NaN, and its encoder writes 10 ms of a time of day as 100."""
        is_inexact = isinstance(field, models.FloatField | models.TimeField)
        return super().takes(field) and not is_inexact

    def written(
        self, fields: Sequence[AnyField], columns: Sequence[Column]
    ) -> tuple[InsertRecords, list[str]] | None:
        if not all(map(fits_json, fields, columns)):
            return None
        names = [str(field.column) for field in fields]
        rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        try:
            written = orjson.dumps(rows, default=write_json).decode()
        except TypeError:
            return None
        quote = self.connection.ops.quote_name
        # Without a length, as Django does: a cast to varchar(50) would cut what is longer.
        types = [str(field.db_type(self.connection)).split("(")[0] for field in fields]
        quoted = (f"{quote(n)} {type_}" for n, type_ in zip(names, types, strict=True))
        return InsertRecords(quoted), [written]


class DatabaseOperations(InsertOperations, operations.DatabaseOperations):
    """Django's, with these INSERTs."""

    inserts = RecordInserts


def fits_json(field: AnyField, values: Column) -> bool:
    """Not times whose offsets JSON would cut to minutes (RFC 3339), where zones of before about
    1900 have seconds."""
    if not isinstance(field, models.DateTimeField):
        return True
    others = [v for v in values if isinstance(v, datetime) and v.tzinfo is not UTC]
    return all(map(has_whole_minutes, others))


def has_whole_minutes(value: datetime) -> bool:
    """Whether its zone is minutes ahead or behind."""
    return not (value.utcoffset() or timedelta()) % timedelta(minutes=1)


def write_json(value: object) -> orjson.Fragment:
    """A value of a JSON column. Raises `TypeError` for other classes."""
    if not isinstance(value, Jsonb) or value.dumps is None:
        raise TypeError(type(value).__name__)
    return orjson.Fragment(value.dumps(value.obj))
