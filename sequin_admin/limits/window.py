"""The sliding window, without a store and without a clock. Times are whole microseconds.

`Window` keeps when each permit starts at the latest. A permit may start at `t` when fewer than
`allowed` others count after `t - interval`: then no window [t, t + interval) ever holds more.

From 2,000 allowed on, permits are counted in blocks of `allowed // 1000`. A block is full from its
first permit on, and lies where its latest one does: never more than allowed start, at most 0.2 %
go unused, and under 2,000 times are kept whatever the limit.
"""

from bisect import bisect_right, insort
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from math import ceil

BLOCKS = 1000


@dataclass(frozen=True)
class Limit:
    """`allowed` starts in any `interval` µs, and `at_once` under way (0 = no cap)."""

    allowed: int
    interval: int
    at_once: int = 0

    @property
    def block(self) -> int:
        """How many permits are counted as one."""
        return max(1, self.allowed // BLOCKS)

    @property
    def most(self) -> int:
        """How many blocks a window holds."""
        return self.allowed // self.block


@dataclass
class Window:
    """`times` of blocks, oldest first; `filled` of the newest block's places are taken."""

    times: list[int] = field(default_factory=list)
    block: int = 1
    filled: int = 1

    def forget(self, limit: Limit, now: int) -> None:
        """Drop what no window can hold any more; follow a limit that counts in other blocks."""
        del self.times[: bisect_right(self.times, now - limit.interval)]
        if self.block != limit.block:
            self.times = regrouped(self.times, self.block, limit.block)
            self.block, self.filled = limit.block, limit.block

    @property
    def free(self) -> int:
        """Places in the newest block, which counts as a whole anyway."""
        return self.block - self.filled if self.times else 0

    def opens(self, limit: Limit, now: int, permits: int) -> int:
        """The earliest time from `now` on at which that many may start."""
        blocks = max(ceil((permits - self.free) / self.block), 0)
        rounds = max((blocks - 1) // limit.most, 0)
        # Counted from the newest: what must be out of the window first.
        in_the_way = limit.most - (blocks - rounds * limit.most) + 1
        if in_the_way > len(self.times):
            return now + rounds * limit.interval
        return max(now, self.times[-in_the_way] + limit.interval) + rounds * limit.interval

    def room(self, limit: Limit, at: int) -> int:
        """How many permits may start at `at`."""
        return limit.most * self.block - self.used(at - limit.interval)

    def used(self, since: int) -> int:
        """How many permits count after `since`."""
        blocks = len(self.times) - bisect_right(self.times, since)
        return max(blocks * self.block - self.free, 0)

    def add(self, at: int, permits: int) -> None:
        if self.block == 1:
            for _ in range(permits):
                insort(self.times, at)
            return
        if taken := min(permits, self.free):
            self.filled += taken
            self.times[-1] = max(self.times[-1], at)
        for left in range(permits - taken, 0, -self.block):
            self.times.append(max([at, *self.times[-1:]]))
            self.filled = min(left, self.block)

    def move(self, old: int, new: int | None) -> None:
        """One permit started at another time than was counted, or never. Blocks stay."""
        if self.block == 1 and old in self.times:
            self.times.remove(old)
            if new is not None:
                insort(self.times, new)

    def shift(self, by: int) -> None:
        self.times = [time + by for time in self.times]

    def packed(self) -> list[int]:
        """For JSON: small differences instead of long times."""
        steps = [b - a for a, b in pairwise(self.times)]
        return [self.block, self.filled, *self.times[:1], *steps]

    @classmethod
    def unpacked(cls, numbers: list[int]) -> "Window":
        return cls(list(accumulate(numbers[2:])), *numbers[:2])


def regrouped(times: list[int], old: int, new: int) -> list[int]:
    """Blocks of `old` permits as blocks of `new`, late rather than early.

    Two times `BLOCKS` are more than any window holds.
    """
    if old < new:
        return times[::-1][:: new // old][::-1]
    copies = ceil(old / new)
    newest = times[-ceil(2 * BLOCKS / copies) :]
    return [time for time in newest for _ in range(copies)]
