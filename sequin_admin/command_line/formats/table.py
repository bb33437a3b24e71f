"""CSV: a header with column names, then one credential per row, typed as its kind declares.

`kind`, `name`, `oauth_app_id` and `metadata.x` exist for every kind; other columns are properties.
Excel's first line `sep=;` may come before the header.
"""

import csv
import io
import re
from collections.abc import Mapping
from typing import Any

from sequin_admin.command_line.formats.reading import REASON, Reading, Unreadable
from sequin_admin.command_line.formats.shapes import ROUNDED, Shape

COMMON = ("kind", "name", "oauth_app_id")
METADATA = "metadata."
# Larger than any private key.
MAX_FIELD_CHARS = 1_000_000
SEPARATOR = re.compile(r"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)
# The mark that our own CSV puts before a formula.
HARMLESS = re.compile(r"'(?=[=+\-@\t\r])")
# The formula that keeps digits as they are: ="007".
AS_TEXT = re.compile(r'="([^"]*)"')
WARNING = (
    "{names} may have lost digits in a spreadsheet: compare, and format the column as text there."
)


def read(text: str, shapes: Mapping[str, Shape]) -> Reading:
    """The rows of a CSV file. Raises `Unreadable`."""
    reading = Table()
    csv.field_size_limit(MAX_FIELD_CHARS)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text), strict=True)
    try:
        if SEPARATOR.fullmatch(first_line(text)):
            next(lines)
        header = next((cells for cells in lines if any(cell.strip() for cell in cells)), [])
        columns = [column_of(name) for name in header]
        refuse_bad_header(columns)
        reading.columns = columns
        for cells in lines:
            if any(cell.strip() for cell in cells):
                reading.sources[lines.line_num] = cells
                take(reading, lines.line_num, columns, cells, shapes)
    except csv.Error:
        raise Unreadable(f"Line {lines.line_num} is not valid CSV. Check its quotes.") from None
    return reading


class Table(Reading):
    """A reading whose report is a CSV file with the same columns, and one for the reason."""

    columns: list[str]

    def report(self, reasons: Mapping[int, str]) -> str:
        out = io.StringIO()
        places = [at for at, name in enumerate(self.columns) if name != REASON]
        writer = csv.writer(out)
        writer.writerow([*(self.columns[at] for at in places), REASON])
        for row, reason in reasons.items():
            cells = self.sources[row]
            kept = [cells[at] if at < len(cells) else "" for at in places]
            writer.writerow([*kept, *cells[len(self.columns) :], reason])
        return out.getvalue()


def refuse_bad_header(columns: list[str]) -> None:
    """Raises `Unreadable` when `kind` is missing or a name comes twice."""
    if "kind" not in columns:
        # Without a header the first line may hold secrets, so it is not quoted.
        raise Unreadable("The first line of a CSV file must name its columns, `kind` among them.")
    twice = next((name for name in columns if name and columns.count(name) > 1), "")
    if twice:
        # What stands in the header without being known may be a secret as well.
        first, second, *_ = (at for at, name in enumerate(columns, start=1) if name == twice)
        raise Unreadable(f"Columns {first} and {second} have the same name. Keep one of them.")


def column_of(name: str) -> str:
    """The column's name: `Login ID` is login_id. What follows `metadata.` is the user's own."""
    prefix, dot, key = name.strip().partition(".")
    return re.sub(r"[\s-]+", "_", prefix.lower()) + dot + key


def first_line(text: str) -> str:
    return text.split("\n", 1)[0]


def header_of(text: str) -> str:
    """The line with the columns' names: the first that is not blank."""
    lines = io.StringIO(text, newline=None)
    return next((line for line in lines if line.strip() and not SEPARATOR.fullmatch(line)), "")


def delimiter_of(text: str) -> str:
    given = SEPARATOR.fullmatch(first_line(text))
    return given[1] if given else max(",;\t|", key=header_of(text).count)


def has_header(text: str) -> bool:
    """Whether the first line is a header with a column `kind`."""
    columns = header_of(text).split(delimiter_of(text))
    return "kind" in [name.strip(' "\r\n').lower() for name in columns]


def plain(cell: str) -> str:
    """Without what keeps a spreadsheet from reading a cell in its own way."""
    text = cell.strip()
    as_text = AS_TEXT.fullmatch(text)
    return as_text[1] if as_text else HARMLESS.sub("", text, count=1)


def take(
    reading: Reading, line: int, columns: list[str], cells: list[str], shapes: Mapping[str, Shape]
) -> None:
    if len(cells) > len(columns):
        reading.refuse(line, f"It has {len(cells)} cells, and the header names {len(columns)}.")
        return
    cells_of = zip(columns, cells, strict=False)
    raw = {name: cell for name, cell in cells_of if cell.strip() and name != REASON}
    given = {name: plain(cell) for name, cell in raw.items()}
    shape = shapes.get(given.get("kind", "").lower())
    if shape is None:
        reading.refuse(line, f"Its `kind` is none that is known: {', '.join(shapes)}.")
        return
    # Spaces at its ends may belong to a password.
    given |= {name: raw[name] for name in shape.secret if name in raw}
    # A Stripe key has a property `name` as well: the column sets both.
    names = [name for name in given if name in shape.types]
    try:
        properties = {name: shape.value(name, given[name]) for name in names}
    except ValueError as reason:
        reading.refuse(line, str(reason), given.get("name", ""))
        return
    prefixed = {name: v for name, v in given.items() if re.match(r"metadata\..", name)}
    metadata = {name.removeprefix(METADATA): v for name, v in prefixed.items()}
    known = {*names, *COMMON, *prefixed}
    body: dict[str, Any] = {
        **{name: value for name, value in given.items() if name not in known},
        "name": given.get("name"),
        "oauth_app_id": given.get("oauth_app_id"),
        "metadata": metadata or None,
        "properties": {"kind": shape.kind, **properties},
    }
    rounded = [f"`{name}`" for name, cell in given.items() if ROUNDED.fullmatch(cell.strip())]
    note = WARNING.format(names=" and ".join(rounded)) if rounded else ""
    reading.take(line, body, shapes, label=given.get("name", ""), note=note)
