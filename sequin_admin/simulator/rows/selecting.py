"""Rows that a statement selects, in its order, from after one of them on."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import dropwhile, islice
from typing import Any

from sequin_admin.simulator.rows.collection import LivingRow
from sequin_admin.simulator.rows.living import LivingRows
from sequin_admin.simulator.rows.statements import Place, Statement, comparable

Values = Callable[[LivingRow], dict[str, Any]]


class Selection:
    """`values` are a row's values in lower-case names; `changed` and `number` are the names of the
    time of its last change and of its id. With `deleted`, tombstones are rows too."""

    def __init__(
        self,
        rows: LivingRows,
        statement: Statement,
        values: Values,
        *,
        changed: str,
        number: str,
        deleted: bool = False,
    ) -> None:
        self.rows, self.statement, self.values = rows, statement, values
        self.changed, self.number, self.deleted = changed, number, deleted
        self.condition = statement.condition
        self.since_ms = self.condition.bounds.get(changed, 0) if self.condition else 0

    def walk(self, after: LivingRow | None = None, skip: int = 0) -> Iterator[LivingRow]:
        """Without the first `skip` rows. Only orders by id, and by last change and then id, in one
        direction, have an index. All other ones look at each row."""
        names = [name for name, _ in self.statement.order]
        downwards = {descends for _, descends in self.statement.order}
        newest_first, indexed = downwards == {True}, len(downwards) < 2 and not self.deleted
        by_id = indexed and not self.since_ms and names in ([], [self.number])
        if by_id and self.condition is None:
            return self.rows.by_number(after, newest_first=newest_first, skip=skip)
        if by_id:
            found = self.rows.by_number(after, newest_first=newest_first)
        elif indexed and names in ([self.changed], [self.changed, self.number]):
            found = self._by_change(after, newest_first)
        else:
            found = self._sorted()
            if after:
                found = islice(dropwhile(lambda row: row.number != after.number, found), 1, None)
        if self.condition is not None:
            test = self.condition.test
            found = (row for row in found if test(self.values(row)))
        return islice(found, skip, None)

    def count(self) -> int:
        if self.condition is None and not self.deleted:
            return self.rows.count()
        return sum(1 for _ in self.walk())

    def _by_change(self, after: LivingRow | None, newest_first: bool) -> Iterator[LivingRow]:
        if after is None:
            return self.rows.by_change(self.since_ms, newest_first=newest_first)
        return self.rows.by_change_after(after, self.since_ms, newest_first=newest_first)

    def _sorted(self) -> Iterator[LivingRow]:
        found = list(self.rows.by_change(self.since_ms))
        if self.deleted:
            found += self.rows.tombstones(self.since_ms)
        found.sort(key=lambda row: row.number)
        for name, descends in reversed(self.statement.order):
            found.sort(key=partial(self._key, name), reverse=descends)
        return iter(found)

    def _key(self, name: str, row: LivingRow) -> tuple[bool, Place]:
        """Nothing comes before all values."""
        value = self.values(row).get(name)
        return value is not None, comparable(value)
