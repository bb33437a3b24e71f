"""Pairs of places that share ten or more lines, to the letter or in shape."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sequin_admin.tools.lines import Line

SHARED = 10
# Ten lines with fewer different shapes are a list of data, for example a call's arguments.
DISTINCT = 5


@dataclass(frozen=True)
class Pair:
    """Two runs of `length` counted lines that are equal."""

    first: Line
    second: Line
    length: int

    def __str__(self) -> str:
        one, other = (f"{line.path}:{line.number}" for line in (self.first, self.second))
        return f"{one} ~ {other} ({self.length} lines)"


def find_pairs(runs: Iterable[Sequence[Line]]) -> list[Pair]:
    """Every pair of maximal equal stretches of SHARED lines or more; none crosses two runs."""
    lines: list[Line | None] = []
    for run in runs:
        lines += [*run, None]
    places = defaultdict(list)
    for start in range(len(lines) - SHARED + 1):
        window = lines[start : start + SHARED]
        keys = tuple(line.key for line in window if line)
        if len(keys) == SHARED and len(set(keys)) >= DISTINCT:
            places[keys].append(start)
    matches = {
        (one, other)
        for starts in places.values()
        for position, one in enumerate(starts)
        for other in starts[position + 1 :]
        if other - one >= SHARED
    }
    return sorted(join_matches(lines, matches), key=lambda pair: (-pair.length, str(pair)))


def join_matches(lines: Sequence[Line | None], matches: set[tuple[int, int]]) -> Iterator[Pair]:
    """Join windows that follow each other on both sides into one pair."""
    for one, other in matches:
        if (one - 1, other - 1) in matches:
            continue
        steps = 0
        while (one + steps + 1, other + steps + 1) in matches:
            steps += 1
        first, second = lines[one], lines[other]
        if first and second:
            yield Pair(first, second, SHARED + steps)
