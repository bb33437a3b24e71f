"""Rows that live in an order, from a place in it on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from heapq import merge
from itertools import dropwhile

from sequin_admin.simulator.rows.collection import LivingRow
from sequin_admin.simulator.rows.living import LivingRows

# The time that orders a row, and its number.
RowPlace = tuple[int, int]


@dataclass(frozen=True)
class RowList:
    """Rows that pass `test`, in order of their creation or, `by_change`, of their last change.

    What changed before `since_ms` is left out. With `trash_ms`, rows that were deleted less long
    ago are rows too.
    """

    rows: LivingRows
    by_change: bool = False
    newest_first: bool = False
    since_ms: int = 0
    trash_ms: int = 0
    test: Callable[[LivingRow], bool] = lambda row: True

    def place(self, row: LivingRow) -> RowPlace:
        grain = self.rows.collection.grain_ms
        at_ms = row.updated_ms // grain * grain if self.by_change else row.created_ms
        return at_ms, row.number

    def walk(self, after: RowPlace | None, *, backwards: bool = False) -> Iterator[LivingRow]:
        newest_first = self.newest_first != backwards
        found = self._living(after, newest_first)
        if self.trash_ms:
            since_ms = max(self.since_ms, self.rows.at_ms - self.trash_ms)
            gone = sorted(self.rows.tombstones(since_ms), key=self.place, reverse=newest_first)
            found = merge(found, gone, key=self.place, reverse=newest_first)
        if after is not None:
            found = dropwhile(partial(self._is_not_after, after, newest_first), found)
        return filter(self.test, found)

    def _is_not_after(self, place: RowPlace, newest_first: bool, row: LivingRow) -> bool:
        return self.place(row) >= place if newest_first else self.place(row) <= place

    def _living(self, after: RowPlace | None, newest_first: bool) -> Iterator[LivingRow]:
        if not self.by_change:
            before = self.rows.get(after[1]) if after else None
            return self.rows.by_creation(before, newest_first=newest_first)
        if after is None:
            return self.rows.by_change(self.since_ms, newest_first=newest_first)
        if newest_first:
            until_ms = after[0] + self.rows.collection.grain_ms - 1
            return self.rows.by_change(self.since_ms, until_ms, newest_first=True)
        return self.rows.by_change(max(self.since_ms, after[0]))

    def is_before(self, place: RowPlace, backwards: bool, row: LivingRow) -> bool:
        """Whether a walk comes to a row before it comes to the place."""
        return self._is_not_after(place, self.newest_first != backwards, row) and (
            self.place(row) != place
        )
