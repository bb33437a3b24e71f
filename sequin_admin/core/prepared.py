"""Queries for hot paths: Django compiles them once, each run only fills in the values.

Building and compiling a query takes several times as long as reading one row from the database.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connections, models
from django.db.models.query import get_related_populators

Row = TypeVar("Row", bound=models.Model)


class PreparedQuery(Generic[Row]):
    """A query for one row, with parameters.

    `build` makes the query from one value for each of `parameters`, which maps their names to an
    instance of the field that they are compared with, and an example value, unique among them.
    """

    def __init__(
        self,
        build: Callable[..., models.QuerySet[Row]],
        parameters: dict[str, tuple[Any, Any]],
    ) -> None:
        self.build, self.parameters = build, parameters

    @cached_property
    def compiled(self) -> "CompiledQuery":
        examples = {name: example for name, (_, example) in self.parameters.items()}
        return CompiledQuery(self.build(**examples)[:1])

    def first(self, **values: Any) -> Row | None:
        """The first row, as `QuerySet.first()` gives it."""
        compiled = self.compiled
        connection = connections[compiled.db]
        filled = {}
        for name, (field, example) in self.parameters.items():
            sample = field.get_db_prep_value(example, connection)
            filled[sample] = field.get_db_prep_value(values[name], connection)
        with connection.cursor() as cursor:
            cursor.execute(compiled.sql, [filled.get(p, p) for p in compiled.params])
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

    def instance(self, raw: tuple[Any, ...]) -> Any:
        if self.converters:
            raw = next(iter(self.compiler.apply_converters([raw], self.converters)))
        made = self.model.from_db(self.db, self.names, raw[self.start : self.end])
        for populator in self.populators:
            populator.populate(raw, made)
        for name, column in self.annotations.items():
            setattr(made, name, raw[column])
        return made
