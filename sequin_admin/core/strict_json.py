"""Parses JSON input and refuses, or replaces, what can't be stored and returned unchanged."""

import json
import math
import re
from decimal import Decimal
from typing import Any

# An escaped NUL, but not an escaped backslash followed by "u0000".
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
# PostgreSQL stores neither NUL nor half of a surrogate pair.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


TWICE = "{name} twice in one object. Send it once."
TOO_DEEP = "The JSON is nested too deeply. Flatten it."
UNSTORABLE_JSON = (
    "The JSON holds what can't be stored: NUL, half a surrogate pair, NaN or Infinity. Take it out."
)
ROUNDED = (
    "The JSON holds a whole number that many readers round. Send it as text, in quotation marks."
)


class AmbiguousJSON(ValueError):
    """JSON that two readers may understand differently. `str()` says what to do."""


def read_json(text: str | bytes) -> Any:
    """The value of `text`. Raises `ValueError` for what PostgreSQL or RFC 8259 refuse, and
    `AmbiguousJSON` for names that come twice and integers that a float rounds (RFC 8259 sections 4
    and 6)."""
    try:
        value = json.loads(
            text,
            object_pairs_hook=distinct,
            parse_int=exact_integer,
            parse_float=exact_float,
        )
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    if not is_storable(value):
        raise ValueError(UNSTORABLE_JSON)
    return value


def is_storable(value: object) -> bool:
    """Whether a JSON value comes back from PostgreSQL as it went in."""
    try:
        plain = json.dumps(value, ensure_ascii=False, allow_nan=False)
        plain.encode()
    except ValueError:
        return False
    return not NUL.search(plain)


def distinct(pairs: list[tuple[str, object]]) -> dict[str, Any]:
    """The pairs as an object. Raises `AmbiguousJSON` for a name that comes twice."""
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            # Whatever else was sent as a name may be a secret.
            known = f"`{name}` comes" if re.fullmatch(r"[a-z_]{1,40}", name) else "A name comes"
            raise AmbiguousJSON(TWICE.format(name=known))
        made[name] = value
    return made


def exact_integer(digits: str) -> int:
    """Raises `AmbiguousJSON` for a number that a float (IEEE 754 binary64) rounds."""
    if Decimal(digits) != Decimal(float(digits)):
        raise AmbiguousJSON(ROUNDED)
    return int(digits)


def exact_float(text: str) -> float:
    """As `exact_integer()`, for an integer written as 1.0 or 1e3, and read as what is written out
    again. Fractions are rounded."""
    value, written = float(text), Decimal(text)
    if math.isfinite(value) and written == written.to_integral_value() != Decimal(repr(value)):
        raise AmbiguousJSON(ROUNDED)
    return value


def storable_text(text: str) -> str:
    """`text` with U+FFFD in place of what can't be stored."""
    return UNSTORABLE.sub("\ufffd", text)


def storable(value: object) -> Any:
    """A JSON value with U+FFFD for what can't be stored in texts, None for NaN and Infinity."""
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {storable_text(name): storable(each) for name, each in value.items()}
    return [storable(each) for each in value] if isinstance(value, list) else value
