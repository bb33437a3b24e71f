"""A wheel of slots: which of its rows a visit changes, and how. See the package."""

from dataclasses import dataclass, field
from enum import StrEnum

STEPS = 6
LIFE = STEPS - 1  # laps from the creation of a row to its deletion


class ChangeKind(StrEnum):
    """What a change does to a row."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Wheel:
    """A wheel that holds `base` rows before its first visit: all slots but each sixth have one.

    A row is named by its `birth`, the visit that creates it. That of a row of the beginning is the
    visit that would have: a negative number. With `deletes` off rows stay after their last step.
    """

    base: int
    deletes: bool = True
    size: int = field(init=False)

    def __post_init__(self) -> None:
        size = max(self.base + (self.base - 1) // LIFE + 1, 1)
        object.__setattr__(self, "size", size)

    def step(self, visit: int) -> int:
        lap, slot = divmod(visit, self.size)
        return (lap - slot) % STEPS

    def kind(self, visit: int) -> ChangeKind:
        step = self.step(visit)
        if step == 0:
            return ChangeKind.CREATE
        return ChangeKind.DELETE if step == LIFE and self.deletes else ChangeKind.UPDATE

    def birth(self, visit: int) -> int:
        """The row that a visit changes."""
        return visit - self.step(visit) * self.size

    def birth_of_base(self, rank: int) -> int:
        """The row of the beginning with this rank, from 0 to `base - 1`."""
        slot = rank + rank // LIFE + 1
        return (slot % STEPS - STEPS) * self.size + slot

    def rank_of_base(self, birth: int) -> int:
        slot = birth % self.size
        return slot - slot // STEPS - 1

    def last_visit(self, birth: int, visits: int) -> int | None:
        """The last of the first `visits` that changed a row; None when none of them did."""
        step = min((visits - 1 - birth) // self.size, LIFE)
        visit = birth + step * self.size
        return visit if step >= 0 and visit >= 0 else None

    def is_deleted(self, birth: int, visits: int) -> bool:
        return self.deletes and birth + LIFE * self.size < visits

    def count(self, visits: int) -> int:
        """How many rows there are after so many visits."""
        gone = self._count_steps(visits, LIFE) if self.deletes else 0
        return self.base + self._count_steps(visits, 0) - gone

    def _count_steps(self, visits: int, step: int) -> int:
        """How many of the first `visits` do this step. Six laps do it once in each slot."""
        laps, rest = divmod(visits, self.size)
        found = laps // STEPS * self.size
        for lap in range(laps - laps % STEPS, laps):
            found += count_congruent(self.size, lap - step)
        return found + count_congruent(rest, laps - step)

    def first_useful(self, visits: int) -> int:
        """Visits before this one are no row's last one: each slot was visited again since, unless
        rows stay."""
        return max(visits - self.size, 0) if self.deletes else 0

    def oldest_alive(self, visits: int) -> int:
        """Visits before this one created no row that still lives."""
        return max(visits - LIFE * self.size, 0) if self.deletes else 0


def count_congruent(size: int, residue: int) -> int:
    """How many numbers from 0 to `size - 1` are congruent to `residue` modulo six."""
    return (size - residue % STEPS + STEPS - 1) // STEPS
