"""Moving stored secrets to the newest key, and telling whether the keys we have open them."""

from collections.abc import Iterator
from dataclasses import dataclass
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
    """One encrypted column of one table."""

    model: type[models.Model]
    name: str

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.name}"

    @property
    def raw(self) -> models.QuerySet[models.Model]:
        """The rows with the stored text as `sealed`, unopened."""
        text = models.functions.Cast(self.name, models.TextField())
        return self.model._base_manager.annotate(sealed=text).order_by("pk")

    def replace(self, pk: object, token: str, fresh: str) -> bool:
        """Store `fresh` where `token` still lies."""
        value = Stored(models.Value(fresh, output_field=models.TextField()))
        return bool(self.raw.filter(pk=pk, sealed=token).update(**{self.name: value}))


@dataclass(frozen=True)
class EncryptedJSONColumn(EncryptedColumn):
    """Tokens that lie under one key of a JSON column of somebody else's table."""

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


# Columns that are not made with our field.
_elsewhere: list[EncryptedColumn] = []


def register(column: EncryptedColumn) -> None:
    """Let key rotation and the start-up check cover `column` too."""
    if column not in _elsewhere:
        _elsewhere.append(column)


def columns() -> list[EncryptedColumn]:
    """Every encrypted column of the product, proxies left out."""
    found: list[EncryptedColumn] = []
    for model in apps.get_models():
        if model._meta.proxy:
            continue
        fields = (f for f in model._meta.local_fields if isinstance(f, EncryptedJSONField))
        found += [EncryptedColumn(model, field.attname) for field in fields]
    return found + _elsewhere


@cache
def newest() -> Fernet:
    return Fernet(settings.FIELD_ENCRYPTION_KEY[0])


def is_current(token: str) -> bool:
    """Whether the newest key opens it."""
    try:
        newest().decrypt(token.encode())
    except InvalidToken:
        return False
    return True


def tokens(column: EncryptedColumn) -> Iterator[tuple[object, str]]:
    """Key and stored text of every row, in batches by primary key."""
    last = None
    while True:
        rows = column.raw if last is None else column.raw.filter(pk__gt=last)
        page = list(rows.values_list("pk", "sealed")[:BATCH])
        yield from page
        if len(page) < BATCH:
            return
        last = page[-1][0]


def rotate(column: EncryptedColumn, pk: object, token: str) -> bool:
    """Seal one row with the newest key. False when somebody has just written it anew: no harm."""
    return column.replace(pk, token, CRYPTER.rotate(token.encode()).decode())


class Stored(models.Func):
    """A token that goes into the column as it is, past the field's own sealing."""

    template = "%(expressions)s"
    is_sealed = True


def unreadable() -> list[str]:
    """Columns whose newest row no key opens: the sign of a wrong key ring."""
    wrong = []
    for column in columns():
        row = column.raw.order_by("-pk").values_list("sealed", flat=True).first()
        try:
            if row is not None:
                CRYPTER.decrypt(row.encode())
        except InvalidToken:
            wrong.append(str(column))
    return wrong
