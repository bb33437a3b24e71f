"""Encrypted columns that are loud when something is wrong.

`EncryptedJSONField` keeps a JSON object as one Fernet token. It differs from the field it
builds on where that one was measured to lose or leak data:

- a value that no key opens raises `DecryptionError`; ciphertext is never handed out as the value;
- the row's own columns (`bind`) are sealed inside, so a token copied to another row does not open;
- look-ups and expressions are refused, `bulk_update()` works;
- `dumpdata` writes the token as it is stored, `loaddata` stores it back unread.
"""

import json
from collections.abc import Sequence
from typing import Any, Self

from cryptography.fernet import InvalidToken
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.expressions import Case, Expression, Value
from django.db.models.functions import Cast
from encrypted_model_fields.fields import CRYPTER, EncryptedMixin


class DecryptionError(Exception):
    """A stored secret can't be opened: no key fits, or it was moved here from another row."""


class Secrets(dict[str, Any]):
    """Decrypted values of one row. Its `repr` shows names, never values."""

    row: str = ""

    def __repr__(self) -> str:
        return f"<Secrets {', '.join(sorted(self)) or 'none'}>"

    __str__ = __repr__

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Copies and pickles (a cached row) carry the token, not the values."""
        return (reopen, (seal(self), self.row)) if self.row else super().__reduce_ex__(protocol)


def reopen(token: str, row: str) -> "Secrets":
    return Sealed(token).open(row)


class Sealed:
    """A value as it lies in the database: not opened until somebody reads it."""

    __slots__ = ("token",)

    def __init__(self, token: str) -> None:
        self.token = token

    def open(self, row: str) -> Secrets:
        try:
            payload = json.loads(CRYPTER.decrypt(self.token.encode()))
        except (InvalidToken, ValueError):
            raise DecryptionError(
                f"The secrets of {row} can't be opened with any key in FIELD_ENCRYPTION_KEY. "
                "Add the key they were saved with to the end of that list and restart."
            ) from None
        if payload["row"] != row:
            raise DecryptionError(
                f"The secrets found at {row} were sealed for another row. Restore them from a "
                "backup or enter them again; nothing was read from them."
            )
        return bind(payload["value"], row)


def bind(value: dict[str, Any], row: str) -> Secrets:
    secrets = Secrets(value)
    secrets.row = row
    return secrets


def seal(secrets: Secrets) -> str:
    payload = json.dumps({"row": secrets.row, "value": secrets})
    return str(CRYPTER.encrypt(payload.encode()).decode())


class OpenOnRead:
    """The attribute of an encrypted column: decrypts on first read, seals on save."""

    def __init__(self, field: "EncryptedJSONField") -> None:
        self.field = field

    def __get__(self, instance: models.Model | None, owner: type[models.Model]) -> Any:
        if instance is None:
            return self
        name = self.field.attname
        if name not in instance.__dict__:
            own = owner._base_manager.using(instance._state.db).filter(pk=instance.pk)
            instance.__dict__[name] = own.values_list(name, flat=True).get()
        value = instance.__dict__[name]
        row = self.field.row_of(instance)
        if isinstance(value, Sealed):
            value = value.open(row)
        elif isinstance(value, dict) and getattr(value, "row", None) != row:
            value = bind(value, row)
        instance.__dict__[name] = value
        return value

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedJSONField(EncryptedMixin, models.TextField):  # type: ignore[misc, type-arg]
    """A JSON object, encrypted and tied to its row.

    `scope` names what holds the secret and `bind` the columns that identify the row. Both are
    sealed inside, so that a token copied to another row, or to another table with the same id,
    does not open. The scope is a name of its own, not that of the table or the model: what was
    sealed under it must still open after either was renamed, so it never changes.
    """

    # What django-stubs lets the attribute be set to and read as.
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def __init__(
        self, *args: Any, scope: str = "", bind: Sequence[str] = ("id",), **kwargs: Any
    ) -> None:
        self.scope, self.bind = scope, tuple(bind)
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
        setattr(cls, self.attname, OpenOnRead(self))

    def row_of(self, instance: models.Model) -> str:
        columns = ":".join(str(getattr(instance, column)) for column in self.bind)
        return f"{self.scope}:{columns}"

    def from_db_value(self, value: str | None, *args: Any) -> Sealed | None:
        return None if value is None else Sealed(value)

    def to_python(self, value: Any) -> Any:
        """Take a fixture's token as it is. Only `loaddata` comes here: the field has no form."""
        return Sealed(value) if isinstance(value, str) else value

    def value_from_object(self, obj: models.Model) -> Any:
        return obj.__dict__[self.attname]

    def value_to_string(self, obj: models.Model) -> str:
        raw = obj.__dict__[self.attname]
        return raw.token if isinstance(raw, Sealed) else seal(getattr(obj, self.attname))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        raw = model_instance.__dict__.get(self.attname)
        return raw if isinstance(raw, Sealed) else getattr(model_instance, self.attname)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, Sealed):
            return value.token
        if isinstance(value, Secrets) and value.row:
            return seal(value)
        if isinstance(value, Expression) and (is_sealed(value) or is_bulk_update(value)):
            return value
        raise FieldError(
            f"{self.model.__name__}.{self.name} is encrypted for one row: "
            "set it on the object and call save()."
        )

    def get_lookup(self, lookup_name: str) -> Any:
        return self.refuse

    def get_transform(self, lookup_name: str) -> Any:
        return self.refuse

    def refuse(self, *args: Any) -> Self:
        raise FieldError(
            f"{self.model.__name__}.{self.name} is encrypted and can't be searched or sorted."
        )

    def formfield(self, *args: Any, **kwargs: Any) -> None:
        return None


def is_sealed(expression: Expression) -> bool:
    """Whether key rotation brings a token that it has sealed itself."""
    return bool(getattr(expression, "is_sealed", False))


def is_bulk_update(expression: Expression) -> bool:
    """Whether this is the CASE of plain values that `bulk_update()` writes, and nothing else."""
    if isinstance(expression, Cast):
        (expression,) = expression.get_source_expressions()
    return isinstance(expression, Case) and all(
        isinstance(case.result, Value) for case in expression.cases
    )
