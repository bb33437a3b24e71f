"""The sliding window log, without a store and without a clock. Times are whole microseconds.

`Window` stores the latest start of each permit. A permit may start at `t` when fewer than `allowed`
others count after `t - interval`: then no window [t, t + interval) ever has more.

From 2,000 allowed on, permits are counted in blocks of `allowed // 1000`. A block counts in full
from its first permit on, at the time of its latest one: never more than allowed start, at most
0.2 % go unused, and fewer than 2,000 times are stored for any limit.
"""

from bisect import bisect_right, insort
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from math import ceil

BLOCKS = 1000


@dataclass(frozen=True)
class Limit:
    """`allowed` starts in any `interval` µs, and `at_once` calls under way (0 = no cap)."""

    allowed: int
    interval: int
    at_once: int = 0

    def share(self, share: float) -> "Limit":
        """That share of it; a cap on concurrency stays at least one."""
        at_once = self.at_once and max(1, int(self.at_once * share))
        return Limit(int(self.allowed * share), self.interval, at_once)

    @property
    def block(self) -> int:
        """How many permits are counted as one."""
        return max(1, self.allowed // BLOCKS)

    @property
    def most(self) -> int:
        """How many blocks fit into a window."""
        return self.allowed // self.block


@dataclass
class Window:
    """`times` of blocks of `block` permits, oldest first; the newest has `filled` permits."""

    times: list[int] = field(default_factory=list)
    block: int = 1
    filled: int = 1

    def expire(self, limit: Limit, now: int) -> None:
        """Drop times before the window, and regroup if the limit now has another block size."""
        del self.times[: bisect_right(self.times, now - limit.interval)]
        if self.block != limit.block:
            self.times = regroup(self.times, self.block, limit.block)
            self.block, self.filled = limit.block, limit.block

    @property
    def free(self) -> int:
        """Free places in the newest block, which counts in full anyway."""
        return self.block - self.filled if self.times else 0

    def earliest_start(self, limit: Limit, now: int, permits: int) -> int:
        """The earliest time from `now` on at which so many permits may start."""
        blocks = max(ceil((permits - self.free) / self.block), 0)
        rounds = max((blocks - 1) // limit.most, 0)
        # The block that must leave the window first, counted from the newest.
        in_the_way = limit.most - (blocks - rounds * limit.most) + 1
        if in_the_way > len(self.times):
            return now + rounds * limit.interval
        return max(now, self.times[-in_the_way] + limit.interval) + rounds * limit.interval

    def capacity_at(self, limit: Limit, at: int) -> int:
        """How many permits may start at `at`."""
        return limit.most * self.block - self.count_since(at - limit.interval)

    def count_since(self, since: int) -> int:
        """How many permits count after `since`."""
        blocks = len(self.times) - bisect_right(self.times, since)
        return max(blocks * self.block - self.free, 0)

    def frees_in(self, interval: int, now: int) -> int:
        """How long until the oldest permit that counts leaves the window; 0 when none counts."""
        left = self.times[bisect_right(self.times, now - interval) :]
        return left[0] + interval - now if left else 0

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
        """Correct the start of one permit, or remove it (None). Without effect on blocks."""
        if self.block == 1 and old in self.times:
            self.times.remove(old)
            if new is not None:
                insort(self.times, new)

    def shift(self, by: int) -> None:
        self.times = [time + by for time in self.times]

    def pack(self) -> list[int]:
        """Numbers for JSON: block, filled, the first time, and the differences to the next."""
        steps = [b - a for a, b in pairwise(self.times)]
        return [self.block, self.filled, *self.times[:1], *steps]

    @classmethod
    def unpack(cls, numbers: list[int]) -> "Window":
        return cls(list(accumulate(numbers[2:])), *numbers[:2])


def regroup(times: list[int], old: int, new: int) -> list[int]:
    """Convert times of blocks of `old` permits to blocks of `new`, rounding to later times.

    `2 * BLOCKS` is more than fits into any window.
    """
    if old < new:
        return times[::-1][:: new // old][::-1]
    copies = ceil(old / new)
    newest = times[-ceil(2 * BLOCKS / copies) :]
    return [time for time in newest for _ in range(copies)]
