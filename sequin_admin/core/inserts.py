"""INSERTs whose values are made column by column: most columns hold values that a database takes as
they are, or after one step.

Django reads and prepares each value of each row by a chain of calls. It still does so for
expressions, and for columns of which only their field knows what to store; and it writes single
rows.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from types import NoneType
from typing import Any, TypeAlias
from uuid import UUID

from django.db import models
from django.db.models.sql import compiler

Column = list[Any]
Step = Callable[..., object]
AnyField: TypeAlias = "models.Field[object, object]"
# The classes whose values these fields store as they are, but for `steps()`. A field of our own is
# not here, also if it derives from one of these: it may encrypt or refuse its value.
PLAIN: Mapping[type, type] = {
    models.BooleanField: bool,
    models.CharField: str,
    models.DateTimeField: datetime,
    models.EmailField: str,
    models.PositiveIntegerField: int,
    models.TextField: str,
    models.UUIDField: UUID,
}
RELATIONS = frozenset({models.ForeignKey, models.OneToOneField})
READ = RELATIONS | {models.JSONField}


class InsertOperations:
    """For the operations of a database: its compiler of INSERTs is `inserts`."""

    inserts: "type[ColumnInserts]"

    def compiler(self, compiler_name: str) -> type[compiler.SQLCompiler]:
        if compiler_name == "SQLInsertCompiler":
            return self.inserts
        made: type[compiler.SQLCompiler] = super().compiler(compiler_name)  # type: ignore[misc]
        return made


class ColumnInserts(compiler.SQLInsertCompiler):
    """Makes the values of many rows by column. A database has its own way to write them."""

    def written(
        self, fields: Sequence[AnyField], columns: Sequence[Column]
    ) -> tuple[object, Sequence[object]] | None:
        """Placeholders as `bulk_insert_sql()` takes them, and the parameters; None where Django
        must write them."""
        raise NotImplementedError

    def steps(self) -> Mapping[type, Step]:
        """What is done to values of a class of `PLAIN`; nothing where it is missing."""
        return {}

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        fields, columns = list(self.query.fields), self.columns()
        made = self.written(fields, columns) if columns else None
        return super().as_sql(*args, **kwargs) if made is None else [self.statement(*made)]

    def statement(
        self, placeholders: object, params: Sequence[object]
    ) -> tuple[str, tuple[object, ...]]:
        """The whole INSERT, as Django makes it."""
        # The stubs know less of both than there is.
        query: Any = self.query
        ops: Any = self.connection.ops
        names = ", ".join(ops.quote_name(field.column) for field in query.fields)
        returning = ""
        if self.returning_fields:
            returning, self.returning_params = ops.return_insert_columns(self.returning_fields)
        parts = [
            ops.insert_statement(on_conflict=query.on_conflict),
            f"{ops.quote_name(query.get_meta().db_table)} ({names})",
            ops.bulk_insert_sql(query.fields, placeholders),
            ops.on_conflict_suffix_sql(
                query.fields,
                query.on_conflict,
                [field.column for field in query.update_fields],
                [field.column for field in query.unique_fields],
            ),
            returning,
        ]
        return " ".join(filter(None, parts)), (*params, *self.returning_params)

    def columns(self) -> list[Column]:
        """The values of each column as they are stored; none where Django must make the rows."""
        fields = self.query.fields
        if self.query.raw or len(self.query.objs) < 2 or not all(map(self.takes, fields)):
            return []
        columns = [self.prepared(each, self.read_column(each, self.query.objs)) for each in fields]
        classes = {each for column in columns for each in set(map(type, column))}
        is_sql = any(hasattr(each, "as_sql") for each in classes)
        return [] if is_sql else columns

    def takes(self, field: AnyField) -> bool:
        """Whether the values of this field can be made here."""
        return not hasattr(field, "get_placeholder")

    def pre_save_val(self, field: AnyField, obj: models.Model) -> object:
        return self.read_column(field, [obj])[0]

    def prepare_value(self, field: AnyField, value: object) -> object:
        return self.prepared(field, [value])[0]

    def read_column(self, field: AnyField, rows: Sequence[models.Model]) -> Column:
        if is_read_only(field):
            return list(map(attrgetter(field.attname), rows))
        read = super().pre_save_val
        return [read(field, each) for each in rows]

    def prepared(self, field: AnyField, values: Column) -> Column:
        if plain := plain_class(field, values):
            step = self.steps().get(plain)
            return [value and step(value) for value in values] if step else values
        if type(field) is models.JSONField and set(map(type, values)) <= {dict, list}:
            adapt = self.connection.ops.adapt_json_value
            return [adapt(value, field.encoder) for value in values]
        prepare = super().prepare_value
        return [prepare(field, value) for value in values]


def is_read_only(field: AnyField) -> bool:
    """Whether its column is what the row says: of those of Django, a time of change is not."""
    changes = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    return (type(field) in PLAIN or type(field) in READ) and not changes


def plain_class(field: AnyField, values: Column) -> type | None:
    """The class of `PLAIN` of which all of the values are that are not None, if there is one. A
    time without a zone is for Django to warn of."""
    while type(field) in RELATIONS:
        field = field.target_field  # type: ignore[attr-defined]
    plain = PLAIN.get(type(field))
    if plain is None or not set(map(type, values)) <= {plain, NoneType}:
        return None
    if plain is datetime and any(value and value.tzinfo is None for value in values):
        return None
    return plain
