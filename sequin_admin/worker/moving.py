"""Moves everything from one database into an empty PostgreSQL, table by table, batch by batch.

Values are copied as they are stored: secrets stay encrypted, and nothing is dated anew. Which rows
are there is written with each batch, so a move that was killed goes on when it is run again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, TypeAlias

from django.apps import apps
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, DataError, connections, models, transaction
from django.db.models import Max, Sum, TextField
from django.db.models.functions import Cast

from sequin_admin.audit import triggers
from sequin_admin.audit.models import Event
from sequin_admin.core.database_url import database_settings
from sequin_admin.core.fields import EncryptedJSONField
from sequin_admin.tokens.models import Token

TARGET = "target"
# How far each table is; `last` is the key of the last row, as text.
PROGRESS = "sequin_admin_move"
BATCH = 1000
# Of a row, in the order of its columns.
Values: TypeAlias = Sequence[Any]
Column: TypeAlias = "models.Field[object, object]"


class MoveRefused(Exception):
    """Nothing more is moved. `str()` says why, and what to do."""


@dataclass(frozen=True)
class TableProgress:
    """How many rows of a table have been copied, of how many."""

    table: str
    copied: int
    total: int


def connect_target(url: str) -> None:
    """Make the database at this URL known as `TARGET`. Raises `MoveRefused`."""
    settings = database_settings(url)
    if "postgresql" not in settings["ENGINE"]:
        raise MoveRefused("Give the URL of an empty PostgreSQL database: postgresql://...")
    whole = connections.configure_settings({DEFAULT_DB_ALIAS: {}, TARGET: settings})
    connections.settings[TARGET] = whole[TARGET]


def begin(*, anew: bool) -> None:
    """Empty the tables that `migrate` has just filled, or go on with a move. Raises `MoveRefused`.

    Call it while the source is locked.
    """
    target = connections[TARGET]
    state = describe_source()
    if PROGRESS in target.introspection.table_names():
        with target.cursor() as cursor:
            cursor.execute(f"SELECT last FROM {PROGRESS} WHERE table_name = ''")  # noqa: S608
            if not anew and cursor.fetchone() != (state,):
                raise MoveRefused(
                    "The database has changed since this move began. Begin again: --anew."
                )
    elif any(model._base_manager.using(TARGET).exists() for model in people()):
        raise MoveRefused("The target has people or organizations in it. Give an empty database.")
    else:
        anew = True
    if anew:
        empty_target(state)


def people() -> list[type[models.Model]]:
    return [apps.get_model("access", name) for name in ("User", "Organization")]


def empty_target(state: str) -> None:
    target = connections[TARGET]
    tables = ", ".join(target.ops.quote_name(model._meta.db_table) for model in list_models())
    with transaction.atomic(TARGET), target.cursor() as cursor:
        # They would list each event that is copied as a new one.
        triggers.remove(target)
        cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY")
        cursor.execute(f"DROP TABLE IF EXISTS {PROGRESS}")
        cursor.execute(f"CREATE TABLE {PROGRESS} (table_name text PRIMARY KEY, last text)")
        cursor.execute(f"INSERT INTO {PROGRESS} VALUES ('', %s)", [state])  # noqa: S608


def describe_source() -> str:
    """Changes when something is added, deleted, audited or renewed."""
    counts = [model._base_manager.count() for model in list_models()]
    newest = Event.objects.aggregate(newest=Max("id"))["newest"]
    versions = Token.objects.aggregate(sum=Sum("version"))["sum"]
    return f"{counts} {newest} {versions}"


def list_models() -> list[type[models.Model]]:
    """All that have tables, each after those that its rows refer to."""
    found = [model for model in apps.get_models(include_auto_created=True) if has_table(model)]
    needs = TopologicalSorter[type[models.Model]]()
    for model in found:
        needs.add(model, *(f.related_model for f in columns(model) if f.related_model))
    return [model for model in needs.static_order() if has_table(model)]


def has_table(model: type[models.Model]) -> bool:
    return model._meta.managed and not model._meta.proxy


def columns(model: type[models.Model]) -> list[Column]:
    """The columns that are written: the database works out the others."""
    return [field for field in model._meta.concrete_fields if not field.generated]


def copy_all() -> Iterator[TableProgress]:
    """Copy what is not there yet. Raises `MoveRefused`."""
    for model in list_models():
        yield from copy_table(model)


def copy_table(model: type[models.Model]) -> Iterator[TableProgress]:
    table, total = model._meta.db_table, model._base_manager.count()
    last = read_progress(table)
    rows = model._base_manager.order_by("pk")
    copied = 0 if last is None else rows.filter(pk__lte=last).count()
    while True:
        batch = list(read_batch(model, rows if last is None else rows.filter(pk__gt=last)))
        if not batch:
            break
        last = batch[-1][0]
        write_batch(model, [values for _, values in batch], last)
        copied += len(batch)
        yield TableProgress(table, copied, total)


def read_progress(table: str) -> str | None:
    with connections[TARGET].cursor() as cursor:
        cursor.execute(f"SELECT last FROM {PROGRESS} WHERE table_name = %s", [table])  # noqa: S608
        row = cursor.fetchone()
    return row and str(row[0])


def read_batch(
    model: type[models.Model], rows: models.QuerySet[models.Model]
) -> Iterator[tuple[str, Values]]:
    """Key and values of each of the next rows, encrypted ones as they are stored."""
    raw = {
        f"stored_{field.attname}": Cast(field.attname, TextField())
        for field in columns(model)
        if isinstance(field, EncryptedJSONField)
    }
    names = [
        f"stored_{field.attname}" if f"stored_{field.attname}" in raw else field.attname
        for field in columns(model)
    ]
    for pk, *values in rows.annotate(**raw).values_list("pk", *names)[:BATCH]:
        yield str(pk), values


def write_batch(model: type[models.Model], batch: Sequence[Values], last: str) -> None:
    """Raises `MoveRefused` for a value that PostgreSQL does not take."""
    target, fields, table = connections[TARGET], columns(model), model._meta.db_table
    quoted = ", ".join(f'"{field.column}"' for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    sql = f"INSERT INTO {target.ops.quote_name(table)} ({quoted}) VALUES ({marks})"  # noqa: S608
    # A secret is written as it was read: encrypted.
    as_read = [isinstance(field, EncryptedJSONField) for field in fields]
    rows = [
        [
            value if raw else field.get_db_prep_save(value, target)
            for field, value, raw in zip(fields, row, as_read, strict=True)
        ]
        for row in batch
    ]
    told = (
        f"INSERT INTO {PROGRESS} VALUES (%s, %s) "  # noqa: S608
        "ON CONFLICT (table_name) DO UPDATE SET last = excluded.last"
    )
    try:
        with transaction.atomic(TARGET), target.cursor() as cursor:
            cursor.executemany(sql, rows)
            cursor.execute(told, [table, last])
    except (DataError, ValueError) as error:
        raise MoveRefused(
            f"PostgreSQL does not take a row of {table} among the {BATCH} up to {last}: "
            f"{str(error).splitlines()[0]}. Mend it in the old database, then run this again."
        ) from None


def finish() -> int:
    """Compare the counts and make the target usable. Returns how many rows it has.

    Raises `MoveRefused`.
    """
    target, total = connections[TARGET], 0
    for model in list_models():
        here, there = (model._base_manager.using(a).count() for a in (DEFAULT_DB_ALIAS, TARGET))
        if here != there:
            raise MoveRefused(
                f"{model._meta.db_table} has {here:,} rows here and {there:,} there. Begin again: "
                "--anew."
            )
        total += there
    with transaction.atomic(TARGET), target.cursor() as cursor:
        for statement in target.ops.sequence_reset_sql(no_style(), list_models()):
            cursor.execute(statement)
        triggers.install(target)
        cursor.execute(f"DROP TABLE {PROGRESS}")
    return total
