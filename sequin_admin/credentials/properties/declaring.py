"""The declaration of one property."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import (
    Field,
    JsonValue,
    SecretStr,
)
from pydantic_core import PydanticUndefined

from sequin_admin.credentials.normalizers import Normalizer

# The largest number that no reader of JSON rounds (RFC 8259 section 6); the providers' own ids fit.
MAX_NUMBER = 2**53 - 1
# Plain characters at the start of a pattern, of which the last is not repeated or optional.
PREFIX = re.compile(r"[\w-]{2,}(?![?*+{])")
Secret = SecretStr


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
    the whole value; `example` is shown when it doesn't, so it must not be a real secret; without
    one, it is the start of the pattern. `minimum` and `maximum` are those of a number. `normalizer`
    brings a text into the form in which it is kept; without one, a secret with a pattern is
    unwrapped, and white space at the ends is taken off. A `password` is kept to the byte.
    """
    if read_only:
        default = None
    extra: dict[str, JsonValue] = {
        "example": example or example_of(pattern),
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


def example_of(pattern: str) -> str:
    """What a pattern says plainly of its values: `ak_...` of `ak_\\w+`. Empty when that is
    nothing."""
    prefix = PREFIX.match(pattern)
    return f"{prefix[0]}..." if prefix else ""


@dataclass(frozen=True)
class Normalized:
    """The normalizer among a field's metadata, which pydantic passes over."""

    normalizer: Normalizer
