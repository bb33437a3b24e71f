"""Key rotation: renews what is stored under old keys, and checks that keys fit.

Whether a row is renewed is seen from the row. So a rotation that was killed goes on when it is run
again, and rows that others save meanwhile need no attention.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.db import connection, models, transaction
from django.db.models.fields.json import KeyTextTransform
from encrypted_model_fields.fields import CRYPTER

from sequin_admin.core.fields import DecryptionError, EncryptedJSONField, is_current

# Rows that are read at once, and locked while they are written.
BATCH = 500


class BatchCounts(NamedTuple):
    """What was found in a batch: how many rows, those under an old key, those that no key opens."""

    rows: int
    old: int
    lost: tuple[str, ...] = ()


class Replacement(NamedTuple):
    """A stored value, and the one to store instead."""

    old: str
    new: str


@dataclass(frozen=True)
class StoredColumn:
    """A column whose values depend on a key."""

    model: type[models.Model]
    name: str

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.name}"

    @property
    def raw(self) -> models.QuerySet[Any]:
        """The rows, annotated with the stored value as `stored`."""
        text = models.functions.Cast(self.name, models.TextField())
        return self.model._base_manager.annotate(stored=text).order_by("pk")

    def renew(self) -> Iterator[BatchCounts]:
        """Renew the values under old keys, a batch at a time."""
        last = None
        while page := list((self.raw if last is None else self.raw.filter(pk__gt=last))[:BATCH]):
            yield self.renew_batch(page)
            last = page[-1].pk

    def renew_batch(self, rows: list[Any]) -> BatchCounts:
        """Renew the values of these rows: each sort of column says how."""
        raise NotImplementedError

    def replace(self, changes: dict[Any, Replacement]) -> None:
        """Store the new values of rows that still have the old one.

        Rows that others have locked are left out: nobody waits for the rotation, nor it for them.
        """
        with transaction.atomic():
            locked = self.raw.filter(pk__in=changes).select_for_update(
                skip_locked=True, of=("self",), no_key=True
            )
            stored = locked.values_list("pk", "stored")
            fresh = {pk: changes[pk].new for pk, value in stored if value == changes[pk].old}
            if fresh:
                self.write(fresh)

    def write(self, values: Mapping[object, str]) -> None:
        """Store values by primary key as they are, without the encryption of the field.

        As text: for an `update()` of a CASE, Django takes longer than all else that rotation does.
        """
        meta, quote = self.model._meta, connection.ops.quote_name
        table, column, key = quote(meta.db_table), quote(self.name), quote(str(meta.pk.column))
        rows = ", ".join(["(%s, %s)"] * len(values))
        sql = f"""
            UPDATE {table} SET {column} = fresh.column2 FROM (VALUES {rows}) AS fresh
            WHERE {table}.{key} = fresh.column1
        """  # noqa: S608 - names of our own tables and columns
        pairs = ((meta.pk.get_db_prep_value(pk, connection), text) for pk, text in values.items())
        with connection.cursor() as cursor:
            cursor.execute(sql, [value for pair in pairs for value in pair])


@dataclass(frozen=True)
class EncryptedColumn(StoredColumn):
    """One encrypted column of one table.

    Rows of a `disposable` one are worth nothing without their key: rotation deletes those that no
    key opens, and they don't keep the product from starting.
    """

    disposable: bool = field(default=False, kw_only=True)

    @property
    def raw(self) -> models.QuerySet[Any]:
        return super().raw.only("pk")

    def renew_batch(self, rows: list[Any]) -> BatchCounts:
        changes, lost = {}, []
        old = [row for row in rows if not is_current(row.stored)]
        for row in old:
            try:
                fresh = CRYPTER.rotate(row.stored.encode()).decode()
            except InvalidToken:
                lost.append(row)
            else:
                changes[row.pk] = Replacement(row.stored, fresh)
        self.replace(changes)
        if self.disposable:
            for row in lost:
                self.raw.filter(pk=row.pk, stored=row.stored).delete()
            lost = []
        return BatchCounts(len(rows), len(changes), tuple(f"{self} of {row.pk}" for row in lost))


@dataclass(frozen=True)
class EncryptedJSONColumn(EncryptedColumn):
    """Tokens stored under one key of a JSON column of a third-party model."""

    key: str

    def __str__(self) -> str:
        return f"{super().__str__()}.{self.key}"

    @property
    def raw(self) -> models.QuerySet[Any]:
        text = KeyTextTransform(self.key, self.name)
        rows = self.model._base_manager.annotate(stored=text).only("pk")
        return rows.filter(stored__isnull=False).order_by("pk")

    def replace(self, changes: dict[Any, Replacement]) -> None:
        with transaction.atomic():
            rows = self.model._base_manager.filter(pk__in=changes).order_by("pk")
            for row in rows.select_for_update(skip_locked=True, of=("self",), no_key=True):
                data = getattr(row, self.name)
                if data.get(self.key) == changes[row.pk].old:
                    setattr(row, self.name, {**data, self.key: changes[row.pk].new})
                    row.save(update_fields=[self.name])


@dataclass(frozen=True)
class DigestColumn(StoredColumn):
    """A digest of a row under `SECRET_KEY`, by which rows are found. Empty: none."""

    digest_of: Callable[[Any], str]

    @property
    def raw(self) -> models.QuerySet[Any]:
        return super().raw.exclude(**{self.name: ""})

    def renew_batch(self, rows: list[Any]) -> BatchCounts:
        changes = {}
        for row in rows:
            try:
                fresh = self.digest_of(row)
            except DecryptionError:
                # Told of by the encrypted column.
                continue
            if fresh != row.stored:
                changes[row.pk] = Replacement(row.stored, fresh)
        self.replace(changes)
        return BatchCounts(len(rows), len(changes))


# Encrypted columns that do not use `EncryptedJSONField`, and columns of digests.
_registered_columns: list[StoredColumn] = []


def register_column(column: StoredColumn) -> None:
    """Include `column` in key rotation, and an encrypted one in the start-up check."""
    if column not in _registered_columns:
        _registered_columns.append(column)


def columns() -> list[StoredColumn]:
    """Every column that key rotation renews, without those of proxy models."""
    found: list[StoredColumn] = []
    for model in apps.get_models():
        if model._meta.proxy:
            continue
        fields = (f for f in model._meta.local_fields if isinstance(f, EncryptedJSONField))
        found += [EncryptedColumn(model, field.attname) for field in fields]
    return found + _registered_columns


def encrypted_columns() -> list[EncryptedColumn]:
    return [column for column in columns() if isinstance(column, EncryptedColumn)]


def unreadable_columns() -> list[str]:
    """Columns whose newest row no key decrypts: the keys are wrong."""
    wrong = []
    for column in encrypted_columns():
        if column.disposable:
            continue
        row = column.raw.order_by("-pk").values_list("stored", flat=True).first()
        try:
            if row is not None:
                CRYPTER.decrypt(row.encode())
        except InvalidToken:
            wrong.append(str(column))
    return wrong
