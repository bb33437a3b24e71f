"""Parses JSON input and refuses what can't be stored and returned unchanged."""

import json
import re
from typing import Any

# An escaped NUL, but not an escaped backslash followed by "u0000".
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


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
