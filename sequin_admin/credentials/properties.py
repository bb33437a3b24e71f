"""Base classes of a kind's `properties`: typed fields, some of them secret or read-only."""

import re
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import Any, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SecretStr,
    create_model,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError, PydanticUndefined

from sequin_admin.core.fields import Secrets
from sequin_admin.core.strict_json import UNSTORABLE
from sequin_admin.core.wrapping import trim, words_in
from sequin_admin.credentials.normalizers import Normalizer, pasted_key

# The largest number that no reader of JSON rounds (RFC 8259 section 6); the providers' own ids fit.
MAX_NUMBER = 2**53 - 1
MASK = "***********"
# What is shown in place of a secret: the mask above, X***, and first4...last4.
_MASKS = re.compile(r"\*{11}|.\*{3}|.{4}\.{3}.{4}", re.DOTALL)
MASKED = "This is a mask, and no stored secret is behind it. Send the secret itself."
ANOTHER = "This is not the mask of the stored secret. Send the secret itself, or its own mask."
UNWRAPPED = "{title} is kept without what stood around it."
REENCODED = "{title} is kept as PKCS #8 in PEM: it is the same key."
SPACED = (
    "{title} begins or ends with white space, which is kept. If it came along by copying, enter it "
    "again without."
)

Secret = SecretStr


class InvalidEntry(Exception):
    """What was entered can't be taken. `sentences` has the reason by property."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        super().__init__(f"Not taken: {', '.join(sentences)}.")
        self.sentences = dict(sentences)


def ends_of(secret: str) -> str:
    """first4...last4"""
    return f"{secret[:4]}...{secret[-4:]}"


def is_mask(text: str) -> bool:
    return bool(_MASKS.fullmatch(text))


def is_mask_of(text: str, secret: str) -> bool:
    """Whether the mask `text` may stand for `secret`: some masks show characters of it."""
    return "..." not in text or text == ends_of(secret)


def unmasked(secrets: Mapping[str, str], stored: Mapping[str, str]) -> dict[str, str]:
    """The secrets, with the stored ones in place of masks. Raises `InvalidEntry`."""
    result, wrong = Secrets(secrets), {}
    for name, value in secrets.items():
        if not is_mask(value):
            continue
        if name not in stored:
            wrong[name] = MASKED
        elif not is_mask_of(value, stored[name]):
            wrong[name] = ANOTHER
        else:
            result[name] = stored[name]
    if wrong:
        raise InvalidEntry(wrong)
    return result


def warn_of_space(title: str, password: str) -> str:
    """A sentence about white space at an end of a password; empty when there is none."""
    return SPACED.format(title=title) if password != trim(password) else ""


def Property(
    title: str,
    *,
    help: str = "",
    example: str = "",
    pattern: str = "",
    default: Any = PydanticUndefined,
    extension: bool = False,
    read_only: bool = False,
    multiline: bool = False,
    minimum: int | None = None,
    maximum: int | None = None,
    normalizer: Normalizer | None = None,
    password: bool = False,
) -> Any:
    """Declare one property.

    `extension` marks an addition to the specification. `read_only` marks a value that we read from
    the account after connecting: optional on input, never asked for in a form. `pattern` must match
    the whole value; `example` is shown when it doesn't, so it must not be a real secret. `minimum`
    and `maximum` are those of a number. `normalizer` brings a text into the form in which it is
    kept; without one, a secret with a pattern is unwrapped, and white space at the ends is taken
    off. A `password` is kept to the byte.
    """
    if read_only:
        default = None
    extra: dict[str, JsonValue] = {
        "example": example,
        "match": pattern,
        "extension": extension,
        "read_only": read_only,
        "multiline": multiline,
        "password": password,
    }
    field = Field(
        default=default,
        title=title,
        description=help or None,
        ge=minimum,
        le=maximum,
        json_schema_extra=extra,
    )
    if normalizer:
        field.metadata.append(Normalized(normalizer))
    return field


@dataclass(frozen=True)
class Normalized:
    """The normalizer among a field's metadata, which pydantic passes over."""

    normalizer: Normalizer


class Properties(BaseModel):
    """The polymorphic part of a credential. Subclasses declare `kind: Literal[...]` and more."""

    # White space at the ends belongs to a password: the normalizers take it off elsewhere.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, validate_default=False)

    _rewritten: tuple[str, ...] = PrivateAttr(default=())

    @classmethod
    def kind_slug(cls) -> str:
        return str(get_args(cls.model_fields["kind"].annotation)[0])

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(name for name in cls.model_fields if name != "kind")

    @classmethod
    def secret_names(cls) -> tuple[str, ...]:
        return tuple(name for name in cls.names() if cls.is_secret(name))

    @classmethod
    def is_secret(cls, name: str) -> bool:
        annotation = cls.model_fields[name].annotation
        return annotation is Secret or Secret in get_args(annotation)

    @classmethod
    def is_password(cls, name: str) -> bool:
        """Whether it is kept to the byte: only its owner knows what belongs to it."""
        return bool(cls.options_of(name).get("password"))

    @classmethod
    def normalizer_of(cls, name: str) -> Normalizer:
        for each in cls.model_fields[name].metadata:
            if isinstance(each, Normalized):
                return each.normalizer
        pattern = cls.options_of(name).get("match")
        return pasted_key(pattern) if pattern and cls.is_secret(name) else trim

    @classmethod
    def options_of(cls, name: str) -> dict[str, Any]:
        """The arguments of `Property()`: example, match, extension, read_only, multiline,
        password."""
        extra = cls.model_fields[name].json_schema_extra
        return dict(extra) if isinstance(extra, dict) else {}

    @classmethod
    def only(cls, names: tuple[str, ...]) -> "type[Properties]":
        """A class with some of the properties, all of them required without a default.

        For what a connect session needs before the redirect; an import may leave it out.
        """
        return class_with(cls, names)

    @classmethod
    def valid_values(cls, values: Mapping[str, Any]) -> dict[str, Any]:
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
    def _normalize(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
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

    @model_validator(mode="after")
    def _match_patterns(self) -> Self:
        mistakes = []
        for name in self.names():
            pattern, value = self.options_of(name).get("match"), getattr(self, name)
            text = value.get_secret_value() if isinstance(value, SecretStr) else value
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
        public, secrets = self.public_values(), self.secret_values()
        passwords = {n: value for n, value in secrets.items() if self.is_password(n)}
        titles = {name: field.title or name for name, field in type(self).model_fields.items()}
        return [
            *(f"{titles[n]} is kept as {public[n]}." for n in self._rewritten if n in public),
            *(self.remark_on_secret(n, titles[n]) for n in self._rewritten if n in secrets),
            *filter(None, (warn_of_space(titles[n], value) for n, value in passwords.items())),
        ]

    @classmethod
    def remark_on_secret(cls, name: str, title: str) -> str:
        is_key_file = cls.options_of(name).get("multiline")
        return (REENCODED if is_key_file else UNWRAPPED).format(title=title)

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
    declared: type[Properties], values: Mapping[str, Any]
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


def normalized(normalizer: Normalizer, value: Any) -> Any:
    """A text, or the words of a list, as they are kept. Others are for the types to judge."""
    if isinstance(value, list):
        parts = (words_in(each) if isinstance(each, str) else [each] for each in value)
        return [each for part in parts for each in part]
    if isinstance(value, SecretStr):
        return SecretStr(normalized(normalizer, value.get_secret_value()))
    if not isinstance(value, str) or not (bare := trim(value)):
        return value if not isinstance(value, str) else ""
    return normalizer(bare)


def is_visible(value: Any) -> bool:
    """Whether there is more than white space in a password."""
    return not isinstance(value, str) or bool(trim(value))


def is_mask_in(value: Any) -> bool:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    return isinstance(text, str) and is_mask(trim(text))


def is_rewritten(entered: Any, kept: Any) -> bool:
    """Whether more than white space at the ends differs."""
    if isinstance(entered, str):
        return kept not in (entered, entered.strip())
    return bool(entered != kept) and not isinstance(entered, list)


@cache
def class_with(declared: type[Properties], names: tuple[str, ...]) -> type[Properties]:
    fields = {
        name: (declared.model_fields[name].annotation, needed(declared.model_fields[name]))
        for name in names
    }
    return create_model(f"{declared.__name__}Asked", __base__=Properties, **fields)  # type: ignore[call-overload, no-any-return]


def is_fitting(pattern: Any, text: str) -> bool:
    """Whether `text` has the declared form, if there is one, and can be stored."""
    return not UNSTORABLE.search(text) and bool(
        not pattern or re.fullmatch(pattern, text, re.ASCII)
    )


def takes_numbers(field: FieldInfo) -> bool:
    named = {field.annotation, *get_args(field.annotation)}
    return int in named and bool not in named


def needed(field: FieldInfo) -> FieldInfo:
    """A copy of the field without a default of None."""
    required = copy(field)
    if required.default is None:
        required.default = PydanticUndefined
    return required
