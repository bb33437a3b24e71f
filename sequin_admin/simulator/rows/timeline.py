"""When each position of a log happens. Times are milliseconds since 1970."""

from bisect import bisect_right
from dataclasses import dataclass

from sequin_admin.simulator.rows.hashing import fraction_at

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
# The rows of the beginning were created over this time before it.
HISTORY_MS = 400 * DAY_MS


@dataclass(frozen=True)
class Stretch:
    """From `start_ms` on, `per_hour` positions happen an hour, the first of them `first`."""

    start_ms: int
    per_hour: float
    first: int

    def time_of(self, position: int, key: bytes) -> int:
        """Each position happens somewhere in its own part of the hour, so that none overtakes
        another."""
        parts = position - self.first + fraction_at(key, position)
        return self.start_ms + 1 + int(parts * HOUR_MS / self.per_hour)

    def count_until(self, at_ms: int, key: bytes) -> int:
        """How many positions there are, from the first of the log, up to a moment."""
        if not self.per_hour or at_ms <= self.start_ms:
            return self.first
        # Exact but for the last ones, which are looked at.
        found = self.first + int((at_ms - self.start_ms) * self.per_hour / HOUR_MS) + 1
        while found > self.first and self.time_of(found - 1, key) > at_ms:
            found -= 1
        return found


class Timeline:
    """`base` positions before `born_ms`, and a stretch from each of the `beats`, which are pairs
    of a moment and the rate from then on, in order of time."""

    def __init__(self, key: bytes, base: int, born_ms: int, beats: list[tuple[int, float]]) -> None:
        self.key, self.base, self.born_ms = key, base, born_ms
        self.stretches = [Stretch(born_ms, 0, base)]
        for start_ms, per_hour in beats:
            first = self.stretches[-1].count_until(start_ms, key)
            self.stretches.append(Stretch(start_ms, per_hour, first))
        self.starts = [stretch.start_ms for stretch in self.stretches]
        self.firsts = [stretch.first for stretch in self.stretches]

    def time_of(self, position: int) -> int:
        """When a position happens that has happened."""
        if position < self.base:
            gap = HISTORY_MS / self.base
            return (
                self.born_ms - HISTORY_MS + int((position + fraction_at(self.key, position)) * gap)
            )
        return self.stretches[bisect_right(self.firsts, position) - 1].time_of(position, self.key)

    def count_until(self, at_ms: int) -> int:
        """How many positions happen up to a moment; those after it have not happened yet."""
        if at_ms >= self.born_ms:
            return self.stretches[bisect_right(self.starts, at_ms) - 1].count_until(at_ms, self.key)
        gap = HISTORY_MS / self.base if self.base else HISTORY_MS
        found = min(max(int((at_ms - self.born_ms + HISTORY_MS) / gap) + 1, 0), self.base)
        while found and self.time_of(found - 1) > at_ms:
            found -= 1
        return found
