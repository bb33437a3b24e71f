"""JSON as it may come in: only what can be stored and given out again."""

import json
import re
from typing import Any

# An escaped NUL, told apart from an escaped backslash that "u0000" happens to follow.
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
