"""The form of declared properties."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from pydantic import SecretStr, ValidationError

from sequin_admin.core.field_errors import CONTRADICTION, FieldError, errors_in
from sequin_admin.credentials.forms.fields import field_for, is_entered
from sequin_admin.credentials.properties import (
    ANOTHER,
    MASK,
    MASKED,
    Properties,
    is_mask,
    is_mask_of,
)

AGAIN = "Enter the secret again: we don't keep it in a page that was not saved."


class PropertiesForm(forms.Form):
    """Fields for the properties `names` of `declared`.

    `stored` gives the initial values of public fields. A secret in `kept` may be left blank, or
    entered as its mask, which keeps the stored value. After `is_valid()`, `properties` holds the
    parsed result, with a mask for each secret that is kept.
    """

    properties: Properties

    def __init__(
        self,
        declared: type[Properties],
        data: Mapping[str, Any] | None = None,
        *,
        names: Iterable[str] | None = None,
        stored: Mapping[str, Any] | None = None,
        kept: Mapping[str, str] | None = None,
    ) -> None:
        self.names = tuple(names if names is not None else input_names(declared))
        self.declared, self.stored, self.kept = declared, stored or {}, kept or {}
        super().__init__(data, initial=dict(self.stored))
        mine = {name: field_for(declared, name, kept=name in self.kept) for name in self.names}
        self.fields = {**mine, **self.fields}

    def clean(self) -> dict[str, Any]:
        given = {name: self.cleaned_data[name] for name in self.names if name in self.cleaned_data}
        sent = {name: value for name, value in given.items() if is_entered(value)}
        for name in [name for name in sent if self.is_masked(name, sent[name])]:
            del sent[name]
        unseen = {n: v for n, v in self.stored.items() if n not in self.names}
        values = {**unseen, **{n: v for n, v in self.kept.items() if n not in sent}, **sent}
        try:
            parsed = self.declared.model_validate({**self.fixed(), **values})
            masks = {n: SecretStr(MASK) for n in self.kept if n not in sent}
            self.properties = parsed.model_copy(update=masks)
        except ValidationError as invalid:
            self.explain(invalid)
        if self.errors:
            self.ask_secrets_again(sent)
        return self.cleaned_data

    def is_masked(self, name: str, value: object) -> bool:
        """Whether a mask was entered for a secret. An error unless the stored one can be kept."""
        if not self.declared.is_secret(name) or not is_mask(str(value)):
            return False
        if name not in self.kept:
            self.add_error(name, MASKED)
        elif not is_mask_of(str(value), self.kept[name]):
            self.add_error(name, ANOTHER)
        self.cleaned_data[name] = ""
        return True

    def fixed(self) -> dict[str, str]:
        """The discriminator, where the declaration has one."""
        has_kind = "kind" in self.declared.model_fields
        return {"kind": self.declared.kind_slug()} if has_kind else {}

    def explain(self, invalid: ValidationError) -> None:
        for error in errors_in(invalid):
            name, sentence = error.path[0] if error.path else "", sentence_of(self.declared, error)
            if name in self.fields and name not in self.errors:
                self.add_error(name, sentence)
            elif name not in self.fields:
                self.add_error(None, sentence)

    def ask_secrets_again(self, sent: Mapping[str, Any]) -> None:
        for name in self.names:
            if self.declared.is_secret(name) and name in sent and name not in self.errors:
                self.add_error(name, AGAIN)


def input_names(declared: type[Properties]) -> tuple[str, ...]:
    """Names of the properties that a person enters: all that are not read-only."""
    return tuple(
        name for name in declared.names() if not declared.options_of(name).get("read_only")
    )


def sentence_of(declared: type[Properties], error: FieldError) -> str:
    """What the person who entered it must do. Never contains what was entered."""
    name = error.path[0] if error.path else ""
    title = title_of(declared, name)
    if error.type == CONTRADICTION:
        return error.sentence
    if error.type == "missing":
        return f"{title} is missing. Enter it as the provider shows it."
    if error.type == "extra_forbidden":
        return f"{name} is not a property of this kind. Remove it."
    if error.type == "int_parsing":
        return f"{title} is not valid: enter a whole number, in digits."
    if error.type.startswith(("int", "bool", "float", "list", "literal")):
        return f"{title} is not valid: {error.message[0].lower()}{error.message[1:]}"
    return mismatch(declared, name)


def mismatch(declared: type[Properties], name: str) -> str:
    example = declared.options_of(name).get("example") if name in declared.model_fields else ""
    hint = f" It looks like {example}." if example else ""
    return f"{title_of(declared, name)} does not have the form that the provider uses.{hint}"


def title_of(declared: type[Properties], name: str) -> str:
    field = declared.model_fields.get(name)
    return str(field.title or name) if field else name
