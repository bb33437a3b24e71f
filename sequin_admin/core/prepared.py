"""Queries for hot paths: Django compiles them once, each run only fills in the values.

Building and compiling a query takes several times as long as reading one row from the database.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, Protocol, TypeGuard, TypeVar

import structlog
from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import DatabaseError, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.base import ModelState
from django.db.models.query import RelatedPopulator, get_related_populators

from sequin_admin.core.fields import DecryptOnRead

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

    def fetch_prepared(self, sql: str, params: Columns, *, as_text: bool) -> Sequence[Columns]: ...


class PreparedQuery(Generic[Row]):
    """A query for one row, or for `many`, with parameters.

    `build` makes the query from one value for each of `parameters`.
    """

    def __init__(
        self, build: Callable[..., models.QuerySet[Row]], parameters: Parameters, many: bool = False
    ) -> None:
        self.build, self.parameters, self.most = build, parameters, None if many else 1

    @cached_property
    def compiled(self) -> "CompiledQuery":
        return CompiledQuery(self.build(**examples(self.parameters))[: self.most])

    @cached_property
    def filling(self) -> "Filling":
        return Filling(self.compiled.params, self.parameters, connections[self.compiled.db])

    def first(self, **values: object) -> Row | None:
        """The first row, as `QuerySet.first()` gives it."""
        return next(iter(self.all(**values)), None)

    def all(self, **values: object) -> list[Row]:
        made, connection = self.compiled, connections[self.compiled.db]
        rows = fetch(connection, made.sql, self.filling(values, connection))
        return [made.instance(row) for row in rows]


class CompiledQuery:
    """A compiled query: its SQL, and how a row becomes model instances."""

    def __init__(self, rows: models.QuerySet[models.Model]) -> None:
        self.db = rows.db
        self.compiler = rows.query.get_compiler(using=self.db)
        self.sql, self.params = self.compiler.as_sql()
        select, info = self.compiler.select, self.compiler.klass_info
        self.converters = self.compiler.get_converters([column for column, _, _ in select])
        # The stubs know a newer Django.
        joined = get_related_populators(info, select, self.db)  # type: ignore[call-arg]
        fields = info["select_fields"]
        names = [column.target.attname for column, _, _ in select[fields[0] : fields[-1] + 1]]
        self.loader = Loader(self.db, info["model"], names, fields[0], joined)
        self.annotations = self.compiler.annotation_col_map

    def instance(self, raw: Columns) -> Any:
        if self.converters:
            raw = next(iter(self.compiler.apply_converters([raw], self.converters)))
        made = self.loader(raw)
        for name, column in self.annotations.items():
            made.__dict__[name] = raw[column]
        return made


class Loader:
    """Makes model instances of rows and of those joined to them, as `from_db()` without signals."""

    def __init__(
        self,
        db: str,
        model: type[models.Model],
        names: Sequence[str],
        start: int,
        joined: Iterable[RelatedPopulator],
    ) -> None:
        self.db, self.model, self.names = db, model, names
        self.start, self.end = start, start + len(names)
        self.encrypted = [n for n in names if isinstance(getattr(model, n, None), DecryptOnRead)]
        self.loaded: Callable[[models.Model], None] | None = getattr(model, "loaded", None)
        self.joined = [
            (Loader.of(each), each.cols_start + each.pk_idx, each.local_setter, each.remote_setter)
            for each in joined
        ]

    @classmethod
    def of(cls, joined: RelatedPopulator) -> "Loader":
        """That of a populator of Django's."""
        start, nested = joined.cols_start, joined.related_populators
        return cls(joined.db, joined.model_cls, joined.init_list, start, nested)

    def __call__(self, raw: Columns) -> models.Model:
        made = self.model.__new__(self.model)
        made._state = state = ModelState()
        state.db, state.adding = self.db, False
        made.__dict__.update(zip(self.names, raw[self.start : self.end], strict=True))
        if self.loaded:
            self.loaded(made)
        for name in self.encrypted:
            setattr(made, name, made.__dict__[name])
        for load, pk, set_there, set_back in self.joined:
            other = None if raw[pk] is None else load(raw)
            set_there(made, other)
            if other is not None:
                set_back(other, made)
        return made


class PreparedColumns:
    """A query for the columns of rows, with parameters."""

    def __init__(self, build: "Callable[..., ColumnQuery]", parameters: Parameters) -> None:
        self.build, self.parameters = build, parameters

    @cached_property
    def compiled(self) -> "ColumnQuery":
        return self.build(**examples(self.parameters))

    @cached_property
    def filling(self) -> "Filling":
        return Filling(self.compiled.params, self.parameters, connections[self.compiled.db])

    def fetch(self, **values: object) -> Sequence[Columns]:
        """All rows, as `ColumnQuery.fetch()` gives them."""
        filled = self.filling(values, connections[self.compiled.db])
        return self.compiled.fetch(filled, again=True)


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
            rows = fetch(connection, self.sql, params, as_text=True)
        else:
            rows = fetch_once(connection, self.sql, params)
        if self.converters:
            return list(self.compiler.apply_converters(rows, self.converters))
        return rows


class DigestedQuery(ColumnQuery):
    """Rows that begin with a digest of them all and with whether the API key holds.

    On PostgreSQL the digest is made by the server, and when it is `known` no row comes but one of
    NULLs after these two. On SQLite it is empty. `order_by` are positions, descending if negative.
    """

    def __init__(self, rows: ColumnRows, order_by: Sequence[int], known: str) -> None:
        super().__init__(rows)
        if connections[self.db].vendor == "postgresql":
            self.sql = with_digest(self.sql, len(self.compiler.select), order_by)
            self.params = (*self.params, known)


def with_digest(sql: str, width: int, order_by: Sequence[int]) -> str:
    """The SQL of a `DigestedQuery`, one column for each of `width`.

    A hash of each row's values costs the server half of what their text would. Of numbers in JSON
    that are equal, such as 1 and 1.0, it is the same.
    """
    names = [f"c{position}" for position in range(width)]
    order = ", ".join(f"c{abs(p)} DESC" if p < 0 else f"c{p}" for p in order_by)
    return (
        f"WITH page ({', '.join(names)}) AS MATERIALIZED ({sql}), "  # noqa: S608 - our own SQL
        "digest (value, holds) AS (SELECT left(encode(sha256(convert_to(string_agg("
        "hash_record_extended(page, 0)::text, ','), 'UTF8')), 'hex'), 32), bool_and(c1) FROM page) "
        f"SELECT digest.value, holds, {', '.join(names[2:])} FROM digest "
        f"LEFT JOIN page ON digest.value <> %s ORDER BY {order}"
    )


def fetch_columns(build: Callable[[], ColumnQuery]) -> Sequence[Columns]:
    """The rows of a query that is run once, as `ColumnQuery.fetch()` gives them."""
    try:
        query = build()
    except EmptyResultSet:
        return []
    return query.fetch(query.params, again=False)


def fetch(
    connection: BaseDatabaseWrapper, sql: str, params: Columns, *, as_text: bool = False
) -> Sequence[Columns]:
    """All rows. On PostgreSQL by a statement that the server keeps (`PREPARED_STATEMENTS`); not in
    a transaction, which would end if the server did not know it.

    `as_text`: UUIDs, and times in ISO 8601, may come as text, which costs less.
    """
    if may_prepare(connection):
        try:
            return connection.fetch_prepared(sql, params, as_text=as_text)
        except DatabaseError as error:
            if not is_unprepared(error):
                raise
    return fetch_once(connection, sql, params)


def fetch_once(connection: BaseDatabaseWrapper, sql: str, params: Columns) -> Sequence[Columns]:
    with connection.cursor() as cursor:
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


class Filling:
    """Puts values in the place of the examples among the parameters of the SQL."""

    def __init__(
        self, params: Columns, parameters: Parameters, connection: BaseDatabaseWrapper
    ) -> None:
        named: dict[object, str] = {}
        # By name: the field, and the type that it hands on as it is.
        self.fields: list[tuple[str, models.Field[object, object], type | None]] = []
        for name, (field, example) in parameters.items():
            prepared = field.get_db_prep_value(example, connection)
            named[prepared] = name
            self.fields.append((name, field, type(example) if prepared is example else None))
        # For each its name, or none and the value that it always has.
        self.places = [(named.get(param), param) for param in params]

    def __call__(self, values: Mapping[str, object], connection: BaseDatabaseWrapper) -> Columns:
        filled: dict[str | None, object] = {}
        for name, field, unchanged in self.fields:
            filled[name] = value = values[name]
            if type(value) is not unchanged:
                filled[name] = field.get_db_prep_value(value, connection)
        return tuple([filled[name] if name else param for name, param in self.places])
