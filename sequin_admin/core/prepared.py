"""Queries for hot paths: Django compiles them once, each run only fills in the values.

Building and compiling a query takes several times as long as reading one row from the database.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, Generic, Protocol, TypeGuard, TypeVar

import structlog
from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import DatabaseError, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models.query import get_related_populators

Row = TypeVar("Row", bound=models.Model)
Columns = tuple[Any, ...]
ColumnRows = models.QuerySet[models.Model, Columns]
# For each parameter of a query, by name: an instance of the field that it is compared with, and an
# example value, unique among them.
Parameters = Mapping[str, tuple[Any, object]]
# SQLSTATE of a statement that this connection does not know, and of one that it has by that name.
POOLED = ("26000", "42P05")
# After a migration: "cached plan must not change result type". Its connection is soon replaced.
CHANGED_RESULT = "0A000"
_unknown_statements = False
log = structlog.get_logger(__name__)


class Preparing(Protocol):
    """A connection whose server keeps statements: `core.postgresql`'s."""

    def prepared_cursor(self, times_as_text: bool = False) -> CursorWrapper: ...


class PreparedQuery(Generic[Row]):
    """A query for one row, with parameters.

    `build` makes the query from one value for each of `parameters`.
    """

    def __init__(self, build: Callable[..., models.QuerySet[Row]], parameters: Parameters) -> None:
        self.build, self.parameters = build, parameters

    @cached_property
    def compiled(self) -> "CompiledQuery":
        return CompiledQuery(self.build(**examples(self.parameters))[:1])

    def first(self, **values: object) -> Row | None:
        """The first row, as `QuerySet.first()` gives it."""
        compiled = self.compiled
        connection = connections[compiled.db]
        filled = fill(compiled.params, self.parameters, values, connection)
        rows = fetch(connection, compiled.sql, filled)
        return compiled.instance(rows[0]) if rows else None


class CompiledQuery:
    """A compiled query: its SQL, and how a row becomes model instances."""

    def __init__(self, rows: models.QuerySet[models.Model]) -> None:
        self.db = rows.db
        self.compiler = rows.query.get_compiler(using=self.db)
        self.sql, self.params = self.compiler.as_sql()
        select, info = self.compiler.select, self.compiler.klass_info
        self.converters = self.compiler.get_converters([column for column, _, _ in select])
        fields = info["select_fields"]
        self.model, self.start, self.end = info["model"], fields[0], fields[-1] + 1
        self.names = [column.target.attname for column, _, _ in select[self.start : self.end]]
        # The stubs know a newer Django.
        self.populators = get_related_populators(info, select, self.db)  # type: ignore[call-arg]
        self.annotations = self.compiler.annotation_col_map

    def instance(self, raw: Columns) -> Any:
        if self.converters:
            raw = next(iter(self.compiler.apply_converters([raw], self.converters)))
        made = self.model.from_db(self.db, self.names, raw[self.start : self.end])
        for populator in self.populators:
            populator.populate(raw, made)
        for name, column in self.annotations.items():
            setattr(made, name, raw[column])
        return made


class PreparedColumns:
    """A query for the columns of rows, with parameters. `build` ends with `values_list()`."""

    def __init__(self, build: Callable[..., ColumnRows], parameters: Parameters) -> None:
        self.build, self.parameters = build, parameters

    @cached_property
    def compiled(self) -> "ColumnQuery":
        return ColumnQuery(self.build(**examples(self.parameters)))

    def fetch(self, **values: object) -> Sequence[Columns]:
        """All rows, as `ColumnQuery.fetch()` gives them."""
        compiled = self.compiled
        connection = connections[compiled.db]
        filled = fill(compiled.params, self.parameters, values, connection)
        return compiled.fetch(filled, again=True)


class ColumnQuery:
    """A compiled `values_list()`, whose JSON columns stay text: who reads them decides how."""

    def __init__(self, rows: ColumnRows) -> None:
        self.db = rows.db
        self.compiler = rows.query.get_compiler(using=self.db)
        self.sql, self.params = self.compiler.as_sql()
        made = self.compiler.get_converters([column for column, _, _ in self.compiler.select])
        self.converters = {
            position: (functions, column)
            for position, (functions, column) in made.items()
            if not isinstance(column.output_field, models.JSONField)
        }

    def fetch(self, params: Columns, *, again: bool) -> Sequence[Columns]:
        """All rows. `again`: the same SQL comes again."""
        connection = connections[self.db]
        if again:
            rows = fetch(connection, self.sql, params, times_as_text=True)
        else:
            rows = fetch_with(connection.cursor, self.sql, params)
        if self.converters:
            return list(self.compiler.apply_converters(rows, self.converters))
        return rows


def fetch_columns(rows: ColumnRows) -> Sequence[Columns]:
    """The rows of a `values_list()`, as `ColumnQuery.fetch()` gives them."""
    try:
        query = ColumnQuery(rows)
    except EmptyResultSet:
        return []
    return query.fetch(query.params, again=False)


def fetch(
    connection: BaseDatabaseWrapper,
    sql: str,
    params: Columns,
    *,
    times_as_text: bool = False,
) -> Sequence[Columns]:
    """All rows. On PostgreSQL by a statement that the server keeps (`PREPARED_STATEMENTS`); not in
    a transaction, which would end if the server did not know it.

    `times_as_text`: times may come as text in ISO 8601, which costs less where few are read.
    """
    if may_prepare(connection):
        cursor_of = partial(connection.prepared_cursor, times_as_text)
        try:
            return fetch_with(cursor_of, sql, params)
        except DatabaseError as error:
            if not is_unprepared(error):
                raise
    return fetch_with(connection.cursor, sql, params)


def fetch_with(
    cursor_of: Callable[[], CursorWrapper], sql: str, params: Columns
) -> Sequence[Columns]:
    with cursor_of() as cursor:
        cursor.execute(sql, params)
        rows: Sequence[Columns] = cursor.fetchall()
        return rows


def may_prepare(connection: BaseDatabaseWrapper) -> TypeGuard[Preparing]:
    if connection.vendor != "postgresql" or settings.PREPARED_STATEMENTS == "off":
        return False
    return not (_unknown_statements or connection.in_atomic_block)


def is_unprepared(error: DatabaseError) -> bool:
    """Whether the server did not know its own statement, so that asking again without is right.

    With `auto` no statement is prepared any more from the first 26000 or 42P05: a pooler in
    transaction mode, such as PgBouncer, gives every transaction another connection.
    """
    state = getattr(error.__cause__, "sqlstate", None)
    if state == CHANGED_RESULT:
        return True
    is_pooled = state in POOLED and settings.PREPARED_STATEMENTS == "auto"
    if is_pooled:
        global _unknown_statements
        _unknown_statements = True
        log.warning(
            "Prepared statements are off in this process: a pooler gives it changing connections. "
            "Set PREPARED_STATEMENTS=off, or let the pooler keep them.",
            sqlstate=state,
        )
    return is_pooled


def examples(parameters: Parameters) -> dict[str, Any]:
    return {name: example for name, (_, example) in parameters.items()}


def fill(
    params: Columns,
    parameters: Parameters,
    values: Mapping[str, object],
    connection: BaseDatabaseWrapper,
) -> Columns:
    """The parameters of the SQL, with `values` in the place of the examples."""
    filled = {
        field.get_db_prep_value(example, connection): field.get_db_prep_value(
            values[name], connection
        )
        for name, (field, example) in parameters.items()
    }
    return tuple(filled.get(param, param) for param in params)
