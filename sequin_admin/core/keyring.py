"""Moving stored secrets to the newest key, and telling whether the keys we have open them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.db import models
from encrypted_model_fields.fields import CRYPTER

from sequin_admin.core.fields import EncryptedJSONField

BATCH = 200


@dataclass(frozen=True)
class Column:
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


def columns() -> list[Column]:
    """Every encrypted column of the product, proxies left out."""
    found = []
    for model in apps.get_models():
        if model._meta.proxy:
            continue
        fields = (f for f in model._meta.local_fields if isinstance(f, EncryptedJSONField))
        found += [Column(model, field.attname) for field in fields]
    return found


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


def tokens(column: Column) -> Iterator[tuple[object, str]]:
    """Key and stored text of every row, in batches by primary key."""
    last = None
    while True:
        rows = column.raw if last is None else column.raw.filter(pk__gt=last)
        page = list(rows.values_list("pk", "sealed")[:BATCH])
        yield from page
        if len(page) < BATCH:
            return
        last = page[-1][0]


def rotate(column: Column, pk: object, token: str) -> bool:
    """Seal one row with the newest key. False when somebody has just written it anew: no harm."""
    fresh = CRYPTER.rotate(token.encode()).decode()
    raw = column.raw.filter(pk=pk, sealed=token)
    value = models.Value(fresh, output_field=models.TextField())
    return bool(raw.update(**{column.name: Stored(value)}))


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
