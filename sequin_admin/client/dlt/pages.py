"""What a source reads, page by page, and the rounds in which it is written."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

Row = dict[str, Any]
# How long before its cursor a source begins to read: some changes are told late, or in one second.
OVERLAP_S = 60
LONGEST = 8
# PostgreSQL's jsonb has no NUL in a text.
NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


@dataclass
class Page:
    """Rows as the provider has sent them, and keys of rows that are deleted there.

    `seen` are keys of rows that exist, when all are listed to find out which do not. `cursor` is
    where to go on once all up to this page is written; without one it stays where it was.
    """

    rows: Sequence[Row] = ()
    gone: Sequence[str] = ()
    seen: Sequence[str] | None = None
    cursor: object = None


@dataclass
class Round:
    """Pages that are written together: of each key what came last, None for a deleted row."""

    changes: dict[str, Row | None] = field(default_factory=dict)
    cursor: object = None
    read: int = 0

    def add(self, page: Page, key: str) -> None:
        # Taken out first, so that what comes last is last.
        for row in page.rows:
            self.put(str(row[key]), row)
        for each in page.gone:
            self.put(str(each), None)
        self.read += len(page.rows) + len(page.gone)
        self.cursor = self.cursor if page.cursor is None else page.cursor

    def put(self, key: str, row: Row | None) -> None:
        self.changes.pop(key, None)
        self.changes[key] = row

    def forget(self, keys: Iterable[str]) -> None:
        """What need not be written."""
        for key in [*keys]:
            del self.changes[key]

    @property
    def rows(self) -> list[Row]:
        return [row for row in self.changes.values() if row is not None]

    @property
    def gone(self) -> list[str]:
        return [key for key, row in self.changes.items() if row is None]

    def records(self) -> Iterator[Row]:
        """Rows of the table."""
        for key, row in self.changes.items():
            yield {"id": key, "data": None if row is None else as_json(row), "gone": row is None}


def as_json(row: Row) -> str:
    """The row as a text that jsonb takes: NUL and halves of surrogates are replaced by U+FFFD."""
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    if "\\u0000" in text:
        text = NUL.sub("\\1\ufffd", text)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def rounds(pages: Iterable[Page], first: int, key: str) -> Iterator[Round]:
    """A round of `first` pages and longer ones, up to `LONGEST` times as long: each one costs the
    same, and what is read again after an end is in proportion to what was read."""
    made, size, left = Round(), first, first
    for page in pages:
        made.add(page, key)
        left -= 1
        if not left:
            yield made
            size = min(2 * size, LONGEST * first)
            made, left = Round(), size
    if left < size:
        yield made


def pages_of(items: Iterable[Row], size: int = 100) -> Iterator[list[Row]]:
    """Lists of so many rows of a dlt resource, which yields one after the other."""
    found = iter(items)
    while page := [*islice(found, size)]:
        yield page
