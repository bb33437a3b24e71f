"""Output: JSON, tables, and progress bars on a terminal."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from sequin_admin.client.bounds import STATUSES

TONES = dict(zip(STATUSES, ("green", "yellow", "red"), strict=True))
TONES |= {"created": "green", "updated": "green", "refused": "red"}
Row = Mapping[str, object]
Item = TypeVar("Item")


def as_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False), flush=True)


def print_note(sentence: str) -> None:
    """Print a message on stderr, wrapped between words on a terminal."""
    console = Console(stderr=True)
    console.print(Text(printable(sentence)), soft_wrap=not console.is_terminal)


def printable(value: object) -> str:
    """Text without terminal control characters, because names are untrusted."""
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return "".join(
        c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def cell(value: object) -> Text:
    text = printable(value)
    return Text(text, style=TONES.get(text, ""))


def show(rows: Sequence[Row], columns: Sequence[str], *, empty: str) -> None:
    """Print a table, or one block of lines per row where the terminal is too narrow.

    Nothing is cut or wrapped when stdout is a pipe.
    """
    if not rows:
        print_note(empty)
        return
    console = Console()
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(title(name), no_wrap=True)
    for row in rows:
        table.add_row(*(cell(row.get(name)) for name in columns))
    wide = console.options.update(max_width=10_000)
    width = Measurement.get(console, wide, table).maximum
    if console.is_terminal and width > console.width:
        for row in rows:
            facts({name: row.get(name) for name in columns})
            console.print()
        return
    Console(width=max(width, console.width)).print(table)


def title(name: str) -> str:
    return name.replace("_", " ").replace(".", " ").upper()


def facts(values: Row) -> None:
    """Print one `NAME value` per line, without empty values.

    On a terminal, sentences are wrapped between words; ids stay whole, for copying.
    """
    console = Console()
    shown = {name: cell(value) for name, value in values.items() if value not in (None, "")}
    names = max(map(len, shown), default=0)
    for name, text in shown.items():
        label = Text(f"{title(name):<{names}}  ", style="bold")
        if console.is_terminal and " " in text.plain:
            line = Table.grid()
            line.add_column(no_wrap=True)
            line.add_row(label, text)
            console.print(line)
        else:
            console.print(label + text, soft_wrap=True)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Progress bar on stderr, if that is a terminal. Yields a function that advances it."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(what, total=total)
        yield lambda n: bar.advance(task, n)


def watched(items: Iterable[Item], what: str, total: int | None = None) -> Iterator[Item]:
    with progress(what, total) as advance:
        for item in items:
            yield item
            advance(1)
