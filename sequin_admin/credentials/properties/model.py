"""Base classes of a kind's `properties`: typed fields, some of them secret or read-only."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    PrivateAttr,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from sequin_admin.core import clock
from sequin_admin.core.fields import Secrets
from sequin_admin.core.wrapping import trim
from sequin_admin.credentials.normalizers import Normalizer, pasted_key
from sequin_admin.credentials.properties.declaring import Normalized, Secret
from sequin_admin.credentials.properties.masks import is_mask, is_mask_in
from sequin_admin.credentials.properties.values import (
    REENCODED,
    UNWRAPPED,
    is_fitting,
    is_rewritten,
    is_visible,
    needed,
    normalized,
    plain_value,
    takes_numbers,
    warn_of_space,
)


class Properties(BaseModel):
    """The polymorphic part of a credential. Subclasses declare `kind: Literal[...]` and more."""

    # White space at the ends belongs to a password: the normalizers take it off elsewhere.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, validate_default=False)

    _rewritten: tuple[str, ...] = PrivateAttr(default=())

    @classmethod
    def kind_slug(cls) -> str:
        return str(get_args(cls.model_fields["kind"].annotation)[0])

    @classmethod
    @cache
    def names(cls) -> tuple[str, ...]:
        return tuple(name for name in cls.model_fields if name != "kind")

    @classmethod
    @cache
    def secret_names(cls) -> tuple[str, ...]:
        return tuple(name for name in cls.names() if cls.is_secret(name))

    @classmethod
    @cache
    def is_secret(cls, name: str) -> bool:
        annotation = cls.model_fields[name].annotation
        return annotation is Secret or Secret in get_args(annotation)

    @classmethod
    @cache
    def required_names(cls) -> tuple[str, ...]:
        return tuple(name for name in cls.names() if cls.model_fields[name].is_required())

    @classmethod
    @cache
    def password_names(cls) -> tuple[str, ...]:
        return tuple(name for name in cls.names() if cls.is_password(name))

    @classmethod
    def is_password(cls, name: str) -> bool:
        """Whether it is kept to the byte: only its owner knows what belongs to it."""
        return bool(cls.options_of(name).get("password"))

    @classmethod
    @cache
    def normalizer_of(cls, name: str) -> Normalizer:
        for each in cls.model_fields[name].metadata:
            if isinstance(each, Normalized):
                return each.normalizer
        pattern = cls.options_of(name).get("match")
        return pasted_key(pattern) if pattern and cls.is_secret(name) else trim

    @classmethod
    @cache
    def options_of(cls, name: str) -> Mapping[str, Any]:
        """The arguments of `Property()`: example, match, extension, read_only, multiline,
        password."""
        extra = cls.model_fields[name].json_schema_extra
        return MappingProxyType(extra if isinstance(extra, dict) else {})

    @classmethod
    def title_of(cls, name: str) -> str:
        return cls.model_fields[name].title or name

    @classmethod
    def only(cls, names: tuple[str, ...]) -> "type[Properties]":
        """A class with some of the properties, all of them required without a default.

        For what a connect session needs before the redirect; an import may leave it out.
        """
        return class_with(cls, names)

    @classmethod
    def valid_values(cls, values: Mapping[str, object]) -> dict[str, Any]:
        """The declared and public ones among `values`, as JSON. Raises pydantic's
        `ValidationError` unless each of them is valid by itself."""
        known = {n: value for n, value in values.items() if n in cls.names() and value is not None}
        return cls.only(tuple(sorted(known)))(**known).public_values()

    @model_validator(mode="before")
    @classmethod
    def _refuse_booleans_as_numbers(cls, values: Any) -> Any:
        """Pydantic would take true as 1."""
        fields = cls.model_fields.items() if isinstance(values, dict) else ()
        mistaken = [
            name
            for name, field in fields
            if isinstance(values.get(name), bool) and takes_numbers(field)
        ]
        if mistaken:
            messages = dict.fromkeys(mistaken, "Send a number.")
            raise PydanticCustomError("contradiction", "{names}", {"names": mistaken, **messages})
        return values

    @model_validator(mode="wrap")
    @classmethod
    def _normalize(cls, values: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Bring what was entered into the form in which it is kept."""
        if not isinstance(values, dict):
            return handler(values)
        kept, messages = normalize_all(cls, values)
        if messages:
            raise PydanticCustomError(
                "contradiction", "{names}", {"names": list(messages), **messages}
            )
        parsed = handler(kept)
        parsed._rewritten = tuple(n for n in kept if is_rewritten(values[n], kept[n]))
        return parsed

    @field_validator("*", mode="after")
    @classmethod
    def _put_times_in_utc(cls, value: object) -> object:
        return clock.in_utc(value) if isinstance(value, datetime) else value

    @model_validator(mode="after")
    def _match_patterns(self) -> Self:
        mistakes = []
        for name in self.names():
            pattern, value = self.options_of(name).get("match"), getattr(self, name)
            text = plain_value(value)
            if self.is_secret(name) and isinstance(text, str) and is_mask(text):
                continue
            if isinstance(text, str) and not is_fitting(pattern, text):
                mistakes.append(name)
        if mistakes:
            raise PydanticCustomError("match", "{names}", {"names": ",".join(mistakes)})
        # What a mask stands for is checked once it is known.
        messages = {} if self.masked_names() else self.contradictions()
        if messages:
            context = {"names": list(messages), **messages}
            raise PydanticCustomError("contradiction", "{names}", context)
        return self

    def contradictions(self) -> dict[str, str]:
        """Messages by property, for valid values that contradict each other. Kinds override it."""
        return {}

    def remarks(self) -> list[str]:
        """What is kept in another form than it was entered in, and the passwords with white space
        at an end: one sentence each, without a secret."""
        if not (self._rewritten or self.password_names()):
            return []
        public, secrets = self.public_values(), self.secret_values()
        passwords = {n: secrets[n] for n in self.password_names() if n in secrets}
        title_of = self.title_of
        return [
            *(f"{title_of(n)} is kept as {public[n]}." for n in self._rewritten if n in public),
            *(self.remark_on_secret(n) for n in self._rewritten if n in secrets),
            *filter(None, (warn_of_space(title_of(n), value) for n, value in passwords.items())),
        ]

    @classmethod
    def remark_on_secret(cls, name: str) -> str:
        is_key_file = cls.options_of(name).get("multiline")
        return (REENCODED if is_key_file else UNWRAPPED).format(title=cls.title_of(name))

    def public_values(self) -> dict[str, Any]:
        """JSON values of all properties that are neither secret nor None."""
        hidden = {"kind", *self.secret_names()}
        return self.model_dump(mode="json", exclude=hidden, exclude_none=True)

    def secret_values(self) -> dict[str, str]:
        values = {name: getattr(self, name) for name in self.secret_names()}
        return Secrets({name: value.get_secret_value() for name, value in values.items() if value})

    def masked_names(self) -> tuple[str, ...]:
        """The secrets in whose place a mask was sent."""
        return tuple(name for name, value in self.secret_values().items() if is_mask(value))

    def plain_values(self) -> dict[str, Any]:
        """Public and secret values, in plain text. For the flow, never for a page."""
        return Secrets({**self.public_values(), **self.secret_values()})


def normalize_all(
    declared: type[Properties], values: Mapping[str, object]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The values as they are kept, and a sentence for each that can't be read."""
    kept, messages = dict(values), {}
    for name in (name for name in declared.names() if name in values):
        if declared.is_secret(name) and is_mask_in(values[name]):
            continue
        if declared.is_password(name) and is_visible(values[name]):
            continue
        try:
            kept[name] = normalized(declared.normalizer_of(name), values[name])
        except ValueError as reason:
            messages[name] = str(reason)
    return kept, messages


@cache
def class_with(declared: type[Properties], names: tuple[str, ...]) -> type[Properties]:
    fields: dict[str, Any] = {
        name: (declared.model_fields[name].annotation, needed(declared.model_fields[name]))
        for name in names
    }
    return create_model(f"{declared.__name__}Asked", __base__=Properties, **fields)
