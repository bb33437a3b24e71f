"""Django's SQL compilers for PostgreSQL, with an INSERT of many rows that costs less of our time.

Django adapts each value by itself and quotes arrays of them. Here the rows are one JSON document,
written by a fast encoder, which the server reads with the types of the columns.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import starmap
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson
from django.db.backends.postgresql import compiler, operations
from django.db.backends.postgresql.compiler import (
    SQLAggregateCompiler,
    SQLCompiler,
    SQLDeleteCompiler,
    SQLUpdateCompiler,
)
from django.db.models import Field, JSONField, Model

__all__ = [
    "SQLAggregateCompiler",
    "SQLCompiler",
    "SQLDeleteCompiler",
    "SQLInsertCompiler",
    "SQLUpdateCompiler",
]
# By internal type: the class of values that JSON can hold as they are. Another value, such as a
# member of an enumeration, is prepared by its field.
PLAIN: dict[str, type] = {
    "BigIntegerField": int,
    "BooleanField": bool,
    "CharField": str,
    "DateTimeField": datetime,
    "IntegerField": int,
    "JSONField": orjson.Fragment,
    "PositiveIntegerField": int,
    "PositiveSmallIntegerField": int,
    "SmallIntegerField": int,
    "TextField": str,
    "UUIDField": UUID,
}


class DatabaseOperations(operations.DatabaseOperations):
    """Finds the compilers of this module."""

    compiler_module = __name__


class SQLInsertCompiler(compiler.SQLInsertCompiler):
    """Inserts many rows as one parameter; one row, or values that JSON can't hold, as Django."""

    def as_sql(self) -> list[tuple[str, tuple[Any, ...]]]:
        rows = self.rows_as_json()
        if rows is None:
            made: list[tuple[str, tuple[Any, ...]]] = super().as_sql()
            return made
        query, ops = self.query, self.connection.ops
        columns = [ops.quote_name(field.column) for field in query.fields]
        # Without a length: a cast to varchar(50) would cut what is longer.
        types = [field.db_type(self.connection).split("(")[0] for field in query.fields]
        names = ", ".join(columns)
        parts = [
            ops.insert_statement(on_conflict=query.on_conflict),
            f"{ops.quote_name(query.get_meta().db_table)} ({names})",
            *("SELECT", names, "FROM json_to_recordset(%s) AS rows"),
            f"({', '.join(starmap('{} {}'.format, zip(columns, types, strict=True)))})",
            ops.on_conflict_suffix_sql(
                query.fields,
                query.on_conflict,
                (field.column for field in query.update_fields),
                (field.column for field in query.unique_fields),
            ),
        ]
        if self.returning_fields:
            returning, self.returning_params = ops.return_insert_columns(self.returning_fields)
            parts.append(returning)
        return [(" ".join(filter(None, parts)), (rows,))]

    def rows_as_json(self) -> str | None:
        """The rows as a list of objects; None where JSON or this module can't hold them."""
        query = self.query
        if len(query.objs) < 2 or query.raw or not query.fields:
            return None
        if any(internal_type(field) not in PLAIN for field in query.fields):
            return None
        names = [field.column for field in query.fields]
        cells = [list(self.cells_of(field, query.objs)) for field in query.fields]
        rows = [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]
        try:
            return orjson.dumps(rows).decode()
        except TypeError:
            return None

    def cells_of(self, field: "Field[Any, Any]", rows: Sequence[Model]) -> Iterator[object]:
        # A field of our own may encrypt or refuse its value.
        plain = PLAIN[internal_type(field)] if is_of_django(field) else None
        load: Callable[[Model], object] = attrgetter(field.attname)
        if type(field).pre_save is not Field.pre_save:
            load = partial(field.pre_save, add=True)
        encode = partial(json.dumps, cls=field.encoder) if isinstance(field, JSONField) else None
        for value in map(load, rows):
            if encode and value is not None and not hasattr(value, "as_sql"):
                yield orjson.Fragment(encode(value))
            elif value is None or (type(value) is plain and is_exact(value)):
                yield value
            else:
                yield self.prepare_value(field, value)


def internal_type(field: "Field[Any, Any]") -> str:
    return (field.target_field if field.is_relation else field).get_internal_type()


def is_of_django(field: "Field[Any, Any]") -> bool:
    return type(field).__module__.startswith("django.")


def is_exact(value: object) -> bool:
    """Not a time without a zone, of which its field would warn."""
    return not isinstance(value, datetime) or value.tzinfo is not None
