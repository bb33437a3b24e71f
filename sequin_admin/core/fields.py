"""Encrypted columns that raise an error when a value can't be decrypted.

`EncryptedJSONField` stores a JSON object as one Fernet token. It differs from the library's field
where tests showed that one to lose or leak data:

- a value that no key decrypts raises `DecryptionError`; ciphertext is never returned as the value;
- the row's identifying columns (`bind`) are encrypted with the value, so a token copied to another
  row is refused;
- look-ups and expressions are refused, `bulk_update()` works;
- `dumpdata` writes the stored token, `loaddata` stores it back without showing its value;
- what is saved is under the newest key, also a value that was not read.
"""

import json
from collections.abc import Sequence
from functools import cache
from json.encoder import encode_basestring_ascii as encode_string
from typing import Any, Self

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.expressions import Case, Expression, Value
from django.db.models.functions import Cast
from encrypted_model_fields.fields import CRYPTER, EncryptedMixin


class DecryptionError(Exception):
    """A stored secret can't be decrypted: no key fits, or it was copied from another row."""


class Secrets(dict[str, Any]):
    """Values of which some are secret. Its `repr` shows names, never values.

    `row` is the row that they belong to; empty for those that are not stored.
    """

    row: str = ""

    def __repr__(self) -> str:
        return f"<Secrets {', '.join(sorted(self)) or 'none'}>"

    __str__ = __repr__

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Copies and pickles (a cached row) contain the token, not the values."""
        return (
            (open_secrets, (seal_secrets(self), self.row))
            if self.row
            else super().__reduce_ex__(protocol)
        )


def open_secrets(token: str, row: str) -> "Secrets":
    return Sealed(token).open(row)


class Sealed:
    """A value as stored: a Fernet token that is decrypted when the attribute is first read."""

    __slots__ = ("row", "token")

    def __init__(self, token: str) -> None:
        # `row` is the identity of the row that it was loaded with; empty while not known.
        self.token, self.row = token, ""

    def open(self, row: str) -> Secrets:
        """Raises `DecryptionError` when no key fits or the token belongs to another row."""
        try:
            payload = json.loads(CRYPTER.decrypt(self.token.encode()))
        except (InvalidToken, ValueError):
            raise DecryptionError(
                f"The secrets of {row} can't be opened with any key in FIELD_ENCRYPTION_KEY. "
                "Add the key they were saved with to the end of that list and restart."
            ) from None
        if payload["row"] != row:
            raise DecryptionError(
                f"The secrets found at {row} were sealed for another row, or for another "
                "destination. Restore the row from a backup or enter them again; nothing was read "
                "from them."
            )
        return bind_secrets(payload["value"], row)


def bind_secrets(value: dict[str, Any], row: str) -> Secrets:
    secrets = Secrets(value)
    secrets.row = row
    return secrets


def seal_secrets(secrets: Secrets) -> str:
    payload = json.dumps({"row": secrets.row, "value": secrets})
    return str(CRYPTER.encrypt(payload.encode()).decode())


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


def with_newest_key(token: str) -> str:
    """The token under the newest key; unchanged if no key opens it.

    A row that was read before a key rotation and is saved after it must not bring back the old key.
    """
    try:
        return token if is_current(token) else str(CRYPTER.rotate(token.encode()).decode())
    except InvalidToken:
        return token


class DecryptOnRead:
    """Descriptor of an encrypted column: decrypts on first read."""

    def __init__(self, field: "EncryptedJSONField") -> None:
        self.field = field

    def __get__(self, instance: models.Model | None, owner: type[models.Model]) -> Any:
        if instance is None:
            return self
        name = self.field.attname
        if name not in instance.__dict__:
            rows = owner._base_manager.using(instance._state.db).filter(pk=instance.pk)
            instance.__dict__[name] = rows.values_list(name, flat=True).get()
        value = instance.__dict__[name]
        row = self.field.row_identity(instance)
        if isinstance(value, Sealed):
            value = value.open(value.row or row)
        if isinstance(value, dict) and getattr(value, "row", None) != row:
            value = bind_secrets(value, row)
        instance.__dict__[name] = value
        return value

    def __set__(self, instance: models.Model, value: Any) -> None:
        if isinstance(value, Sealed) and self.field.is_loaded(instance):
            # The row as loaded: it may be changed before the value is decrypted.
            value.row = self.field.row_identity(instance)
        instance.__dict__[self.field.attname] = value


class EncryptedJSONField(EncryptedMixin, models.TextField):  # type: ignore[misc, type-arg]
    """A JSON object, encrypted and bound to its row.

    `scope` names the owner of the secret and `bind` the attributes that identify the row and the
    destination of the secret (a host, an address). Both are encrypted with the value, so that a
    token copied to another row, or to another table with the same id, is refused, and so is one
    whose destination was changed in the database. A save with a changed attribute must save this
    column too: it encrypts the value for the changed row. `bind_columns` are the columns that the
    attributes are computed from, where that differs; they stand before this one.

    The scope is independent of the names of table and model and never changes: existing tokens must
    stay readable after either was renamed.
    """

    # The types that django-stubs sees when the attribute is set and read.
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def __init__(
        self,
        *args: Any,
        scope: str = "",
        bind: Sequence[str] = ("id",),
        bind_columns: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        self.scope, self.bind, self.bind_columns = scope, tuple(bind), set(bind_columns or bind)
        kwargs.setdefault("default", dict)
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        return name, path, args, {**kwargs, "scope": self.scope, "bind": self.bind}

    def contribute_to_class(
        self, cls: type[models.Model], name: str, *args: Any, **kw: Any
    ) -> None:
        super().contribute_to_class(cls, name, *args, **kw)
        setattr(cls, self.attname, DecryptOnRead(self))

    def row_identity(self, instance: models.Model) -> str:
        parts = [encode_string(str(getattr(instance, name))) for name in self.bind]
        return f"{self.scope}:[{', '.join(parts)}]"

    def is_loaded(self, instance: models.Model) -> bool:
        """Whether the identity can be computed without a query."""
        return self.bind_columns <= instance.__dict__.keys()

    def from_db_value(self, value: str | None, *args: Any) -> Sealed | None:
        return None if value is None else Sealed(value)

    def to_python(self, value: Any) -> Any:
        """Keep a fixture's token. Only `loaddata` calls this, as the field has no form field."""
        return Sealed(value) if isinstance(value, str) else value

    def value_from_object(self, obj: models.Model) -> Any:
        return obj.__dict__[self.attname]

    def value_to_string(self, obj: models.Model) -> str:
        raw = obj.__dict__[self.attname]
        return raw.token if isinstance(raw, Sealed) else seal_secrets(getattr(obj, self.attname))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        raw = model_instance.__dict__.get(self.attname)
        if isinstance(raw, Sealed) and raw.row in ("", self.row_identity(model_instance)):
            return raw
        return getattr(model_instance, self.attname)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, Sealed):
            return with_newest_key(value.token)
        if isinstance(value, Secrets) and value.row:
            return seal_secrets(value)
        if isinstance(value, Expression) and is_bulk_update(value):
            return value
        raise FieldError(
            f"{self.model.__name__}.{self.name} is encrypted for one row: "
            "set it on the object and call save()."
        )

    def get_lookup(self, lookup_name: str) -> Any:
        return self.refuse_lookup

    def get_transform(self, lookup_name: str) -> Any:
        return self.refuse_lookup

    def refuse_lookup(self, *args: Any) -> Self:
        """Raises `FieldError`: an encrypted column is neither searched nor sorted."""
        raise FieldError(
            f"{self.model.__name__}.{self.name} is encrypted and can't be searched or sorted."
        )

    def formfield(self, *args: Any, **kwargs: Any) -> None:
        return None


def is_bulk_update(expression: Expression) -> bool:
    """Whether this is the CASE expression of plain values that `bulk_update()` builds."""
    if isinstance(expression, Cast):
        (expression,) = expression.get_source_expressions()
    return isinstance(expression, Case) and all(
        isinstance(case.result, Value) for case in expression.cases
    )
