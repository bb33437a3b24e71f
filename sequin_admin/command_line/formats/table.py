"""CSV: a header with column names, then one credential per row, typed as its kind declares.

`kind`, `name`, `oauth_app_id` and `metadata.x` exist for every kind; other columns are properties.
"""

import csv
import io
from collections.abc import Mapping
from typing import Any

from sequin_admin.command_line.formats.reading import Reading, Unreadable
from sequin_admin.command_line.formats.shapes import Shape

COMMON = ("kind", "name", "oauth_app_id")
METADATA = "metadata."
# Larger than any private key.
MAX_FIELD_CHARS = 1_000_000


def read(text: str, shapes: Mapping[str, Shape]) -> Reading:
    reading = Reading()
    csv.field_size_limit(MAX_FIELD_CHARS)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text), strict=True)
    try:
        columns = [name.strip() for name in next(lines, [])]
        if "kind" not in columns:
            # Without a header the first line may hold secrets, so it is not quoted.
            raise Unreadable(
                "The first line of a CSV file must name its columns, `kind` among them."
            )
        for cells in lines:
            if any(cell.strip() for cell in cells):
                take(reading, lines.line_num, columns, cells, shapes)
    except csv.Error:
        raise Unreadable(f"Line {lines.line_num} is not valid CSV. Check its quotes.") from None
    return reading


def delimiter_of(text: str) -> str:
    header = text.split("\n", 1)[0]
    return max(",;\t", key=header.count)


def has_header(text: str) -> bool:
    """Whether the first line is a header with a column `kind`."""
    header = text.split("\n", 1)[0]
    return "kind" in [name.strip(' "\r') for name in header.split(delimiter_of(text))]


def take(
    reading: Reading, line: int, columns: list[str], cells: list[str], shapes: Mapping[str, Shape]
) -> None:
    if len(cells) > len(columns):
        reading.refuse(line, f"It has {len(cells)} cells under {len(columns)} columns.")
        return
    given = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if cell.strip()}
    shape = shapes.get(given.get("kind", ""))
    if shape is None:
        reading.refuse(line, f"Its `kind` is none that is known: {', '.join(shapes)}.")
        return
    # A Stripe key has a property `name` as well: the column sets both.
    names = [name for name in given if name in shape.types]
    try:
        properties = {name: shape.value(name, given[name]) for name in names}
    except ValueError as reason:
        reading.refuse(line, str(reason), given.get("name", ""))
        return
    metadata = {n.removeprefix(METADATA): v for n, v in given.items() if n.startswith(METADATA)}
    known = {*names, *COMMON, *(METADATA + name for name in metadata)}
    body: dict[str, Any] = {
        **{name: value for name, value in given.items() if name not in known},
        "name": given.get("name"),
        "oauth_app_id": given.get("oauth_app_id"),
        "metadata": metadata or None,
        "properties": {"kind": shape.kind, **properties},
    }
    reading.take(line, body, shapes, label=given.get("name", ""))
