"""The log of a collection's changes: two wheels in one sequence. See the package."""

from collections.abc import Callable, Iterator
from functools import partial
from heapq import merge
from itertools import chain
from math import gcd

from sequin_admin.simulator.rows.hashing import hash_at
from sequin_admin.simulator.rows.wheel import ChangeKind, Wheel

# One beat in so many goes to the small wheel, which holds at most so many rows at first.
SMALL_SHARE, SMALL_MOST = 4, 25


class RowLog:
    """Positions and numbers as in the package's description. `deletes`: see `Wheel`.

    The small wheel has the newest rows of the beginning. In the large one those are scattered over
    the slots by multiplication with a number that has no factor in common with their count.
    """

    def __init__(self, key: bytes, base: int, *, deletes: bool = True) -> None:
        self.base, self.deletes = base, deletes
        small = min(SMALL_MOST, base // 10)
        self.many = base - small
        self.large, self.small = Wheel(self.many, deletes), Wheel(small, deletes)
        self.shift = hash_at(key, -1) % max(self.many, 1)
        self.factor = coprime_near(self.many)
        self.inverse = pow(self.factor, -1, self.many) if self.many else 0

    def wheel_at(self, position: int) -> tuple[Wheel, int]:
        """The wheel and the visit of a beat."""
        beat = position - self.base
        if beat % SMALL_SHARE == SMALL_SHARE - 1:
            return self.small, beat // SMALL_SHARE
        return self.large, beat - beat // SMALL_SHARE

    def position_of(self, wheel: Wheel, visit: int) -> int:
        if wheel is self.small:
            return self.base + visit * SMALL_SHARE + SMALL_SHARE - 1
        return self.base + visit + visit // (SMALL_SHARE - 1)

    def visits_until(self, wheel: Wheel, end: int) -> int:
        """How many visits a wheel has before position `end`."""
        beats = max(end - self.base, 0)
        return beats // SMALL_SHARE if wheel is self.small else beats - beats // SMALL_SHARE

    def kind(self, position: int) -> ChangeKind:
        if position < self.base:
            return ChangeKind.CREATE
        wheel, visit = self.wheel_at(position)
        return wheel.kind(visit)

    def subject(self, position: int) -> int:
        """The number of the row that a position changes."""
        if position < self.base:
            return position
        wheel, visit = self.wheel_at(position)
        birth = wheel.birth(visit)
        if birth >= 0:
            return self.position_of(wheel, birth)
        rank = wheel.rank_of_base(birth)
        if wheel is self.small:
            return self.many + rank
        return (rank * self.factor + self.shift) % self.many

    def birth_of(self, number: int) -> tuple[Wheel, int]:
        """The wheel and birth of a row."""
        if number >= self.base:
            return self.wheel_at(number)
        if number >= self.many:
            return self.small, self.small.birth_of_base(number - self.many)
        rank = (number - self.shift) * self.inverse % self.many
        return self.large, self.large.birth_of_base(rank)

    def exists(self, number: int, end: int) -> bool:
        """Whether a row of this number was created before position `end`, and perhaps deleted."""
        return 0 <= number < end and self.kind(number) == ChangeKind.CREATE

    def state_of(self, number: int, end: int) -> tuple[int, bool]:
        """The last position before `end` that changed a row, that of its creation if none, and
        whether the row is alive."""
        wheel, birth = self.birth_of(number)
        visits = self.visits_until(wheel, end)
        visit = wheel.last_visit(birth, visits)
        position = number if visit is None else self.position_of(wheel, visit)
        return position, not wheel.is_deleted(birth, visits)

    def is_alive(self, number: int, end: int) -> bool:
        wheel, birth = self.birth_of(number)
        return not wheel.is_deleted(birth, self.visits_until(wheel, end))

    def count(self, end: int) -> int:
        """How many rows there are before position `end`."""
        if end < self.base:
            return end
        wheels = (self.large, self.small)
        return sum(wheel.count(self.visits_until(wheel, end)) for wheel in wheels)

    def last_changes(
        self, start: int, end: int, *, newest_first: bool, stop: int | None = None
    ) -> Iterator[int]:
        """Positions from `start` to before `stop` that are the last change before `end` of a living
        row. Without `stop`, up to `end`."""
        bounds, stop = self._bounds(end, Wheel.first_useful), end if stop is None else stop
        for position in self._positions(start, min(stop, end), bounds, newest_first):
            subject = self.subject(position)
            if self.state_of(subject, end) == (position, True):
                yield position

    def numbers(self, start: int, stop: int, end: int, *, newest_first: bool) -> Iterator[int]:
        """Rows from number `start` to before `stop` that are alive before position `end`."""
        bounds = self._bounds(end, Wheel.oldest_alive)
        numbers = self._positions(start, min(stop, end), bounds, newest_first)
        if end <= self.base:
            # No beat has happened.
            yield from numbers
            return
        for number in numbers:
            if self.kind(number) == ChangeKind.CREATE and self.is_alive(number, end):
                yield number

    def _bounds(self, end: int, first: Callable[[Wheel, int], int]) -> tuple[int, int]:
        """The first visit of each wheel that can matter before position `end`."""
        large, small = (
            first(wheel, self.visits_until(wheel, end)) for wheel in (self.large, self.small)
        )
        return large, small

    def _positions(
        self, start: int, stop: int, bounds: tuple[int, int], newest_first: bool
    ) -> Iterator[int]:
        """Positions from `start` to before `stop`, without visits before the `bounds`; if there is
        a bound, the rows of the beginning matter no more."""
        walks = []
        oldest = (range(self.many), range(self.many, self.base))
        for wheel, base, bound in zip((self.large, self.small), oldest, bounds, strict=True):
            first = max(bound, self.visits_until(wheel, start))
            beats = range(first, self.visits_until(wheel, stop))
            older = range(max(start, base.start), 0 if bound else min(stop, base.stop))
            position_of = partial(self.position_of, wheel)
            if newest_first:
                walks.append(chain(map(position_of, reversed(beats)), reversed(older)))
            else:
                walks.append(chain(older, map(position_of, beats)))
        return merge(*walks, reverse=newest_first)


def coprime_near(size: int) -> int:
    """A factor near the golden section of `size`, which scatters well, without a common divisor."""
    factor = max(int(size * 0.618), 1)
    while gcd(factor, size) != 1 and size:
        factor += 1
    return factor
