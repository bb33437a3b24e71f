"""Parses JSON input and refuses, or replaces, what can't be stored and returned unchanged."""

import json
import math
import re
from typing import Any

# An escaped NUL, but not an escaped backslash followed by "u0000".
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
# PostgreSQL stores neither NUL nor half of a surrogate pair.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def read_json(text: str | bytes) -> Any:
    """The value of `text`. Raises `ValueError` for what PostgreSQL or RFC 8259 refuse."""
    try:
        value = json.loads(text)
        plain = json.dumps(value, ensure_ascii=False, allow_nan=False)
        plain.encode()
    except RecursionError:
        raise ValueError("The JSON is nested too deeply.") from None
    if NUL.search(plain):
        raise ValueError("The JSON holds NUL.")
    return value


def storable_text(text: str) -> str:
    """`text` with U+FFFD in place of what can't be stored."""
    return UNSTORABLE.sub("\ufffd", text)


def storable(value: Any) -> Any:
    """A JSON value with U+FFFD for what can't be stored in texts, None for NaN and Infinity."""
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {storable_text(name): storable(each) for name, each in value.items()}
    return [storable(each) for each in value] if isinstance(value, list) else value
