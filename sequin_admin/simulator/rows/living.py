"""The rows of an account's collection at one moment: what is computed, and what was written."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from heapq import merge
from itertools import chain, dropwhile, groupby, islice
from typing import Any, TypeVar

from django.db.models import QuerySet

from sequin_admin.simulator.drills import drift
from sequin_admin.simulator.models import FIRST_WRITTEN, RowWrite, SimulatedAccount, read_world
from sequin_admin.simulator.rows.collection import LivingRow, RowCollection, to_ms
from sequin_admin.simulator.rows.draws import Draw
from sequin_admin.simulator.rows.hashing import make_key
from sequin_admin.simulator.rows.log import RowLog
from sequin_admin.simulator.rows.timeline import Timeline
from sequin_admin.simulator.rows.wheel import ChangeKind

USUAL_COUNT, MOST_ROWS = 2_400, 100_000
CHUNK = 100
T = TypeVar("T")


key_of_rows = lru_cache(maxsize=1_000)(make_key)


@lru_cache(maxsize=1_000)
def make_log(key: bytes, count: int, deletes: bool) -> RowLog:
    return RowLog(key, count, deletes=deletes)


@dataclass(frozen=True)
class RowEvent:
    """One change. `place` orders those of one millisecond; `row` is as the change left it."""

    at_ms: int
    place: int
    kind: ChangeKind
    row: LivingRow


class LivingRows:
    """Rows at `at_ms`, by default now. All lists are lazy: they cost what is taken of them."""

    def __init__(
        self, account: SimulatedAccount, collection: RowCollection, at_ms: int | None = None
    ) -> None:
        world = read_world()
        seed, born_at = world.seed, world.born_at
        self.account, self.collection = account, collection
        self.at_ms = to_ms(world.now) if at_ms is None else at_ms
        self.drifts = bool(world.drills)
        counts = account.heart.get("collections", {})
        count, born_ms = counts.get(collection.name) or (USUAL_COUNT, to_ms(born_at))
        beats = [(max(ms, born_ms), rate) for ms, rate in account.heart.get("beats", [])]
        self.key = key_of_rows(seed, account.provider, account.external_id, collection.name)
        self.log = make_log(self.key, count, collection.deletes)
        self.timeline = Timeline(self.key, count, born_ms, beats)
        self.end = self.timeline.count_until(self.at_ms)

    @cached_property
    def _has_writes(self) -> bool:
        return RowWrite.is_any(self.account, self.collection.name)

    def _writes(self) -> QuerySet[RowWrite]:
        rows = self.account.row_writes.filter(collection=self.collection.name)
        return rows.filter(at_ms__lte=self.at_ms).order_by("at_ms", "pk")

    def _writes_of(self, numbers: Iterable[int]) -> dict[int, list[RowWrite]]:
        found = defaultdict[int, list[RowWrite]](list)
        if self._has_writes:
            for write in self._writes().filter(number__in=list(numbers)):
                found[write.number].append(write)
        return found

    def _compose(self, number: int, end: int, writes: list[RowWrite]) -> LivingRow | None:
        """The row after position `end` of the log and these writes; None if it never was."""
        deleted, last_ms, written = None, 0, dict[str, Any]()
        if writes:
            deleted = next((w.at_ms for w in writes if w.kind == ChangeKind.DELETE), None)
            written = {name: value for w in writes for name, value in w.fields.items()}
            last_ms = writes[-1].at_ms
        if number >= FIRST_WRITTEN:
            if not writes:
                return None
            # What the call did not give is drawn once.
            drawn = self._drawer(number, number)
            return LivingRow(number, writes[0].at_ms, last_ms, deleted, drawn, written)
        if not self.log.exists(number, end):
            return None
        if deleted is not None:
            # The log's later changes of the row did not happen.
            end = min(end, self.timeline.count_until(deleted))
        version, alive = self.log.state_of(number, end)
        created_ms = changed_ms = self.timeline.time_of(number)
        if version != number:
            changed_ms = self.timeline.time_of(version)
        if not alive:
            deleted = changed_ms
        if last_ms > changed_ms:
            changed_ms = last_ms
        drawn = self._drawer(number, version)
        return LivingRow(number, created_ms, changed_ms, deleted, drawn, written)

    def _drawer(self, number: int, version: int) -> Callable[[], dict[str, Any]]:
        return lambda: self._drift(self.collection.fields(Draw(self.key, number, version)))

    def _drift(self, fields: dict[str, Any]) -> dict[str, Any]:
        return drift(self.account.provider, fields, self.at_ms) if self.drifts else fields

    def rows(self, numbers: Iterable[int]) -> Iterator[LivingRow]:
        """Those of the numbered rows that exist or did, in the same order."""
        for chunk in in_chunks(numbers):
            writes = self._writes_of(chunk)
            for number in chunk:
                row = self._compose(number, self.end, writes.get(number, []))
                if row:
                    yield row

    def get(self, number: int | None) -> LivingRow | None:
        """The row, perhaps a tombstone."""
        return None if number is None else next(self.rows([number]), None)

    def count(self) -> int:
        created = self._writes().filter(kind=ChangeKind.CREATE).count() if self._has_writes else 0
        deleted = self._writes().filter(kind=ChangeKind.DELETE) if self._has_writes else ()
        gone = [
            w for w in deleted if w.number >= FIRST_WRITTEN or self.log.is_alive(w.number, self.end)
        ]
        return self.log.count(self.end) + created - len(gone)

    def by_creation(
        self, after: LivingRow | None = None, *, newest_first: bool = False, skip: int = 0
    ) -> Iterator[LivingRow]:
        """Living rows in order of creation, those after another row, which may be deleted, and
        without the first `skip` of these. To skip a row costs a tenth of making it."""
        start, stop = 0, self.end
        if after:
            position = after.number
            if position >= FIRST_WRITTEN:
                position = self.timeline.count_until(after.created_ms)
            elif not newest_first:
                position += 1
            start, stop = (start, position) if newest_first else (position, stop)
        numbers = self.log.numbers(start, stop, self.end, newest_first=newest_first)
        if not self._has_writes:
            return self.rows(islice(numbers, skip, None))
        return islice(self._with_created(numbers, after, newest_first), skip, None)

    def _with_created(
        self, numbers: Iterator[int], after: LivingRow | None, newest_first: bool
    ) -> Iterator[LivingRow]:
        """The numbered rows, and those that were written, after another one."""
        created = self._writes().filter(kind=ChangeKind.CREATE)
        if newest_first:
            created = created.reverse()
        written = self.rows(created.values_list("number", flat=True).iterator())
        for row in merge(self.rows(numbers), written, key=creation_key, reverse=newest_first):
            if row.deleted_ms is None and (after is None or is_after(row, after, newest_first)):
                yield row

    def by_number(
        self, after: LivingRow | None = None, *, newest_first: bool = False, skip: int = 0
    ) -> Iterator[LivingRow]:
        """As `by_creation`, but in order of their numbers, which those that were written have the
        highest of."""
        start, stop = 0, self.end
        if after:
            start, stop = (0, after.number) if newest_first else (after.number + 1, stop)
        computed = self.log.numbers(start, stop, self.end, newest_first=newest_first)
        if not self._has_writes:
            return self.rows(islice(computed, skip, None))
        created = self._writes().filter(kind=ChangeKind.CREATE, number__gte=start)
        if after and newest_first:
            created = created.filter(number__lt=stop)
        order = "-number" if newest_first else "number"
        written = created.order_by(order).values_list("number", flat=True)
        numbers = chain(written, computed) if newest_first else chain(computed, written)
        alive = (row for row in self.rows(numbers) if row.deleted_ms is None)
        return islice(alive, skip, None)

    def by_change(
        self, since_ms: int = 0, until_ms: int | None = None, *, newest_first: bool = False
    ) -> Iterator[LivingRow]:
        """Living rows that changed at `since_ms` or later, and not after `until_ms`, in order of
        their last change as the provider tells it, and of their numbers."""
        end_ms = self.at_ms if until_ms is None else until_ms
        start, stop = self.timeline.count_until(since_ms - 1), self.timeline.count_until(end_ms)
        positions = self.log.last_changes(start, self.end, stop=stop, newest_first=newest_first)
        found = self._last_changed(map(self.log.subject, positions), written=False)
        if self._has_writes:
            late = self._writes().filter(at_ms__range=(since_ms, end_ms)).reverse()
            numbers = list(dict.fromkeys(late.values_list("number", flat=True)))
            written = self._last_changed(numbers[:: 1 if newest_first else -1], written=True)
            timely = (row for row in written if row.updated_ms <= end_ms)
            found = merge(found, timely, key=lambda row: row.updated_ms, reverse=newest_first)
        for _, tied in groupby(found, key=lambda row: row.updated_ms // self.collection.grain_ms):
            yield from sorted(tied, key=lambda row: row.number, reverse=newest_first)

    def by_change_after(
        self, after: LivingRow, since_ms: int = 0, *, newest_first: bool = False
    ) -> Iterator[LivingRow]:
        """As `by_change`, those after another row in that order."""
        grain = self.collection.grain_ms
        tick, place = after.updated_ms // grain, (after.updated_ms // grain, after.number)
        if newest_first:
            found = self.by_change(since_ms, (tick + 1) * grain - 1, newest_first=True)
            return dropwhile(lambda row: (row.updated_ms // grain, row.number) >= place, found)
        found = self.by_change(max(since_ms, tick * grain))
        return dropwhile(lambda row: (row.updated_ms // grain, row.number) <= place, found)

    def _last_changed(self, numbers: Iterable[int], *, written: bool) -> Iterator[LivingRow]:
        """Those of the rows that live, and were changed last by a call or else by the heart."""
        for chunk in in_chunks(numbers):
            writes = self._writes_of(chunk)
            for number in chunk:
                mine = writes.get(number, [])
                row = self._compose(number, self.end, mine)
                if row and row.deleted_ms is None:
                    last_written = bool(mine) and mine[-1].at_ms == row.updated_ms
                    if last_written == written:
                        yield row

    def count_changed(self, since_ms: int) -> int:
        """How many rows `by_change` would bring."""
        start = self.timeline.count_until(since_ms - 1)
        if not start:
            return self.count()
        if self._has_writes:
            return sum(1 for _ in self.by_change(since_ms))
        return sum(1 for _ in self.log.last_changes(start, self.end, newest_first=False))

    def events(self, since_ms: int = 0, *, newest_first: bool = False) -> Iterator[RowEvent]:
        """All changes at `since_ms` or later, but for the creation of the rows of the beginning."""
        start = max(self.timeline.count_until(since_ms - 1), self.log.base)
        beats = range(start, self.end)
        computed = self._computed_events(reversed(beats) if newest_first else beats)
        if not self._has_writes:
            return computed
        writes = self._writes().filter(at_ms__gte=since_ms)
        written = self._written_events(writes.reverse() if newest_first else writes)
        key: Callable[[RowEvent], tuple[int, int]] = lambda event: (event.at_ms, event.place)  # noqa: E731
        return merge(computed, written, key=key, reverse=newest_first)

    def _computed_events(self, positions: Iterable[int]) -> Iterator[RowEvent]:
        for chunk in in_chunks(positions):
            writes = self._writes_of(set(map(self.log.subject, chunk)))
            for position in chunk:
                number, at_ms = self.log.subject(position), self.timeline.time_of(position)
                mine = [w for w in writes.get(number, []) if w.at_ms <= at_ms]
                gone = any(w.kind == ChangeKind.DELETE for w in mine)
                row = None if gone else self._compose(number, position + 1, mine)
                if row:
                    yield RowEvent(at_ms, position, self.log.kind(position), row)

    def _written_events(self, writes: QuerySet[RowWrite]) -> Iterator[RowEvent]:
        for chunk in in_chunks(writes.iterator()):
            before = self._writes_of({write.number for write in chunk})
            for write in chunk:
                mine = [
                    w for w in before[write.number] if (w.at_ms, w.pk) <= (write.at_ms, write.pk)
                ]
                row = self._compose(write.number, self.timeline.count_until(write.at_ms), mine)
                if row:
                    yield RowEvent(
                        write.at_ms, FIRST_WRITTEN + write.pk, ChangeKind(write.kind), row
                    )

    def tombstones(self, since_ms: int = 0) -> Iterator[LivingRow]:
        """Rows that were deleted at `since_ms` or later, in order of their deletion."""
        return (event.row for event in self.events(since_ms) if event.kind == ChangeKind.DELETE)


def creation_key(row: LivingRow) -> tuple[int, int]:
    return row.created_ms, row.number


def is_after(row: LivingRow, other: LivingRow, newest_first: bool) -> bool:
    here, there = creation_key(row), creation_key(other)
    return here < there if newest_first else here > there


def in_chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """The items in lists, the first of them short: few are taken of most."""
    walk, size = iter(items), 12
    while chunk := list(islice(walk, size)):
        yield chunk
        size = CHUNK
