"""What the server said about refused rows, in terms of the file."""

import re
from collections.abc import Sequence
from typing import Any

from sequin_admin.client import Refused
from sequin_admin.command_line.formats import Item
from sequin_admin.command_line.import_results import refusal

# HTTP statuses: invalid rows, or too large a request.
INVALID, TOO_LARGE = 422, 413
# An index of the request's body in a message.
INDEX = re.compile(r"\bcredentials\.(\d+)\b")
WITH_OTHERS = "Held back: {rows}, and rows go together, a thousand at a time."


def reasons_of(items: Sequence[Item], error: Refused) -> dict[int, list[str]]:
    """Messages by index of a rejected request. Raises the error when it is not about rows.

    Of two rows for one account the server names the second: neither is taken.
    """
    said: dict[int, list[str]] = {}
    if error.status != INVALID:
        raise error
    for path, sentences in error.fields.items():
        match = re.match(r"credentials\.(\d+)\.?(.*)", path)
        if match is None or int(match[1]) >= len(items):
            raise error
        where = f"{match[2]}: " if match[2] else ""
        for text in sentences:
            named = {int(index) for index in INDEX.findall(text)}
            for index in sorted({int(match[1]), *(n for n in named if n < len(items))}):
                said.setdefault(index, []).append(f"{where}{with_rows(text, items)}")
    if not said:
        raise error
    return said


def refused(items: Sequence[Item], error: Refused) -> list[dict[str, Any]]:
    """Results for every row of a rejected chunk: its own messages, or that it was held back."""
    said = reasons_of(items, error)
    named = shortened([items[index].row for index in sorted(said)])
    rows = f"row {named} is refused" if len(said) == 1 else f"rows {named} are refused"
    held = [WITH_OTHERS.format(rows=rows)]
    return [refusal(item, " ".join(said.get(index, held))) for index, item in enumerate(items)]


def with_rows(sentence: str, items: Sequence[Item]) -> str:
    """Replace indexes of the request body in a message by row numbers of the file."""

    def row(match: re.Match[str]) -> str:
        index = int(match[1])
        return f"row {items[index].row}" if index < len(items) else match[0]

    return INDEX.sub(row, sentence)


def shortened(rows: list[int]) -> str:
    more = len(rows) - 3
    named = ", ".join(map(str, rows[:3]))
    return f"{named} and {more} more" if more > 0 else named
