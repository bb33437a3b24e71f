"""Queries for hot paths: Django compiles them once, each run only fills in the values.

Building and compiling a query takes several times as long as reading one row from the database.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.query import get_related_populators

Row = TypeVar("Row", bound=models.Model)
Columns = tuple[Any, ...]
ColumnRows = models.QuerySet[models.Model, Columns]
# For each parameter of a query, by name: an instance of the field that it is compared with, and an
# example value, unique among them.
Parameters = Mapping[str, tuple[Any, object]]


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
        with connection.cursor() as cursor:
            cursor.execute(compiled.sql, filled)
            row = cursor.fetchone()
        return None if row is None else compiled.instance(row)


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
        return compiled.fetch(fill(compiled.params, self.parameters, values, connection))


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

    def fetch(self, params: Sequence[object]) -> Sequence[Columns]:
        with connections[self.db].cursor() as cursor:
            cursor.execute(self.sql, params)
            rows = cursor.fetchall()
        if self.converters:
            return list(self.compiler.apply_converters(rows, self.converters))
        return rows


def fetch_columns(rows: ColumnRows) -> Sequence[Columns]:
    """The rows of a `values_list()`, as `ColumnQuery.fetch()` gives them."""
    try:
        query = ColumnQuery(rows)
    except EmptyResultSet:
        return []
    return query.fetch(query.params)


def examples(parameters: Parameters) -> dict[str, Any]:
    return {name: example for name, (_, example) in parameters.items()}


def fill(
    params: Sequence[object],
    parameters: Parameters,
    values: Mapping[str, object],
    connection: BaseDatabaseWrapper,
) -> list[object]:
    """The parameters of the SQL, with `values` in the place of the examples."""
    filled = {
        field.get_db_prep_value(example, connection): field.get_db_prep_value(
            values[name], connection
        )
        for name, (field, example) in parameters.items()
    }
    return [filled.get(param, param) for param in params]
