"""Things that happen in the demo's past, each at its time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

# Signed with the machine's own time, whatever our clock shows.
SIGNED_NOW = ("netsuite_tba",)


class SimulatorPart(Enum):
    """The simulator's part in a scene, and by which time."""

    NONE, THEN, NOW = range(3)


@dataclass(order=True, frozen=True)
class Scene:
    """One thing that happens at a time of the past."""

    at: datetime
    play: Callable[[], object] = field(compare=False)
    simulator: SimulatorPart = field(default=SimulatorPart.NONE, compare=False)


def part_in(kind: str) -> SimulatorPart:
    """The simulator's part where an account of the kind is connected."""
    return SimulatorPart.NOW if kind in SIGNED_NOW else SimulatorPart.THEN
