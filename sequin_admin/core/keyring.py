"""Key rotation: re-encrypts stored secrets with the newest key, and checks that keys fit."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.db.models.fields.json import KeyTextTransform
from encrypted_model_fields.fields import CRYPTER

from sequin_admin.core.fields import EncryptedJSONField

BATCH = 200


@dataclass(frozen=True)
class EncryptedColumn:
    """One encrypted column of one table.

    Rows of a `disposable` one are worth nothing without their key: rotation deletes those that no
    key opens, and they don't keep the product from starting.
    """

    model: type[models.Model]
    name: str
    disposable: bool = field(default=False, kw_only=True)

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.name}"

    @property
    def raw(self) -> models.QuerySet[models.Model]:
        """The rows, annotated with the stored token as `sealed`."""
        text = models.functions.Cast(self.name, models.TextField())
        return self.model._base_manager.annotate(sealed=text).order_by("pk")

    def replace(self, pk: object, token: str, fresh: str) -> bool:
        """Store `fresh` if the row still has `token`. Returns whether it did."""
        value = StoredToken(models.Value(fresh, output_field=models.TextField()))
        return bool(self.raw.filter(pk=pk, sealed=token).update(**{self.name: value}))

    def delete(self, pk: object, token: str) -> None:
        """Delete the row if it still has `token`."""
        self.raw.filter(pk=pk, sealed=token).delete()


@dataclass(frozen=True)
class EncryptedJSONColumn(EncryptedColumn):
    """Tokens stored under one key of a JSON column of a third-party model."""

    key: str

    def __str__(self) -> str:
        return f"{super().__str__()}.{self.key}"

    @property
    def raw(self) -> models.QuerySet[models.Model]:
        text = KeyTextTransform(self.key, self.name)
        rows = self.model._base_manager.annotate(sealed=text)
        return rows.filter(sealed__isnull=False).order_by("pk")

    def replace(self, pk: object, token: str, fresh: str) -> bool:
        with transaction.atomic():
            row = self.model._base_manager.select_for_update().filter(pk=pk).first()
            data = getattr(row, self.name, {})
            if row is None or data.get(self.key) != token:
                return False
            setattr(row, self.name, {**data, self.key: fresh})
            row.save(update_fields=[self.name])
            return True


# Columns that do not use `EncryptedJSONField`.
_registered_columns: list[EncryptedColumn] = []


def register_column(column: EncryptedColumn) -> None:
    """Include `column` in key rotation and the start-up check."""
    if column not in _registered_columns:
        _registered_columns.append(column)


def encrypted_columns() -> list[EncryptedColumn]:
    """Every encrypted column of the product, without those of proxy models."""
    found: list[EncryptedColumn] = []
    for model in apps.get_models():
        if model._meta.proxy:
            continue
        fields = (f for f in model._meta.local_fields if isinstance(f, EncryptedJSONField))
        found += [EncryptedColumn(model, field.attname) for field in fields]
    return found + _registered_columns


@cache
def newest_key() -> Fernet:
    return Fernet(settings.FIELD_ENCRYPTION_KEY[0])


def is_current(token: str) -> bool:
    """Whether the newest key decrypts it."""
    try:
        newest_key().decrypt(token.encode())
    except InvalidToken:
        return False
    return True


def iterate_tokens(column: EncryptedColumn) -> Iterator[tuple[object, str]]:
    """Primary key and stored token of every row, read in batches."""
    last = None
    while True:
        rows = column.raw if last is None else column.raw.filter(pk__gt=last)
        page = list(rows.values_list("pk", "sealed")[:BATCH])
        yield from page
        if len(page) < BATCH:
            return
        last = page[-1][0]


def rotate_token(column: EncryptedColumn, pk: object, token: str) -> bool:
    """Re-encrypt one row with the newest key. False when the row was saved meanwhile, which has
    the same effect."""
    return column.replace(pk, token, CRYPTER.rotate(token.encode()).decode())


class StoredToken(models.Func):
    """A token that is written to the column unchanged, without the field's encryption."""

    template = "%(expressions)s"
    is_sealed = True


def unreadable_columns() -> list[str]:
    """Columns whose newest row no key decrypts: the keys are wrong."""
    wrong = []
    for column in encrypted_columns():
        if column.disposable:
            continue
        row = column.raw.order_by("-pk").values_list("sealed", flat=True).first()
        try:
            if row is not None:
                CRYPTER.decrypt(row.encode())
        except InvalidToken:
            wrong.append(str(column))
    return wrong
