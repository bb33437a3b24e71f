"""What a load says of itself in the run's reports."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from sequin_admin.client.dlt.faults import source_errors
from sequin_admin.client.dlt.pages import Page, Round
from sequin_admin.client.runs import HeldCollection, HeldRun


class Counting:
    """Reports of one collection. `seen` are the keys that a sweep has seen; None without one.

    `is_full`: all rows are read, not only those that have changed.
    """

    def __init__(
        self, run: HeldRun, collection: HeldCollection, deletes: str, *, is_full: bool
    ) -> None:
        self.run, self.name = run, collection.collection_id
        self.said: dict[str, Any] = {
            **{"deletes": deletes, "full_pass": is_full, "generation": collection.generation}
        }
        self.rows_seen = 0
        # Whether deletes were told, and with them how many rows there are.
        self.has_told_deletes = False
        # Set when what is read any further is not wanted.
        self.is_over = False
        self.began, self.is_full = time.time(), is_full
        self.seen: set[str] | None = set() if deletes == "sweep" else None

    def watch(self, pages: Iterable[Page]) -> Iterator[Page]:
        left = iter(pages)
        while True:
            with source_errors():
                page = next(left, None)
            if page is None or self.is_over:
                return
            self.rows_seen += len(page.rows)
            if self.seen is not None:
                self.seen.update(page.seen or ())
            yield page

    def report(self, made: Round, written: int, deleted: int) -> None:
        """After its rows are committed, and only then."""
        more = {} if made.cursor is None else {"cursor": made.cursor}
        self.send({"read": made.read, "written": written, "deleted": deleted, **more})

    def may_delete(self, seen: int, missing: int) -> bool:
        """Whether rows that are missing among those seen may be deleted, or a person must confirm
        it first."""
        self.has_told_deletes = True
        self.send({"seen": seen, "to_delete": missing})
        return self.run.may_delete(self.name)

    def report_end(self) -> None:
        """The target has what the source had when reading began."""
        tells = self.is_full and not self.has_told_deletes
        seen = {"seen": self.rows_seen} if tells else {}
        self.send({"lag_s": time.time() - self.began, "completed": True, **seen})

    def send(self, said: dict[str, Any]) -> None:
        self.run.report(self.name, **self.said, **said)
