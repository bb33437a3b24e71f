"""Fire drills: what goes wrong at a provider for a while, so that people can practise.

A drill stands in the world's row, which each call reads anyway: it needs no process of its own, and
begins and ends by the simulated clock. One that repeats has a turn every `every_ms`.
"""

from dataclasses import asdict, dataclass
from typing import Any

from sequin_admin.simulator.models import World, read_world

DRILLS = {
    "outage": "The provider is down",
    "slow_tokens": "The token endpoint is slow",
    "throttle_storm": "Every call is throttled",
    "revoke_half": "Half of the accounts revoke our access",
    "rotate_secret": "Our secret is rotated",
    "new_field": "A field appears",
    "field_type": "A field changes its type",
    "webhook_disorder": "Webhooks come late, twice and out of order",
}
# These happen once a turn, the others last.
AT_ONCE = ("revoke_half", "rotate_secret")
# These change what rows look like.
OF_ROWS = ("new_field", "field_type")
# The field that appears.
NEW_FIELD = "loyalty_tier"


@dataclass
class Drill:
    """Times are milliseconds of the simulated clock. `done` turns have had what happens at once."""

    id: int
    provider: str
    name: str
    start_ms: int
    length_ms: int
    every_ms: int = 0
    done: int = 0

    def turns(self, at_ms: int) -> int:
        """How many turns have begun."""
        if at_ms < self.start_ms:
            return 0
        return 1 + ((at_ms - self.start_ms) // self.every_ms if self.every_ms else 0)

    def is_on(self, at_ms: int) -> bool:
        turns = self.turns(at_ms)
        return turns > 0 and at_ms < self.start_ms + (turns - 1) * self.every_ms + self.length_ms

    def is_over(self, at_ms: int) -> bool:
        return not self.every_ms and at_ms >= self.start_ms + self.length_ms


def get_drills(provider: str = "") -> list[Drill]:
    """Those of a provider, or all, in the order in which they were called."""
    known = [Drill(**one) for one in read_world().drills]
    return [drill for drill in known if provider in ("", drill.provider)]


def save_drills(drills: list[Drill]) -> None:
    World.objects.filter(pk=1).update(drills=[asdict(drill) for drill in drills])


def active_names(provider: str, at_ms: int) -> set[str]:
    """The drills that are on at a moment."""
    return {drill.name for drill in get_drills(provider) if drill.is_on(at_ms)}


def drift(provider: str, fields: dict[str, Any], at_ms: int) -> dict[str, Any]:
    """A row's fields as they are while a field has appeared, or changed its type."""
    names = active_names(provider, at_ms)
    if "field_type" in names:
        fields = {**fields, **changed_type(fields)}
    return {**fields, NEW_FIELD: "gold"} if "new_field" in names else fields


def changed_type(fields: dict[str, Any]) -> dict[str, Any]:
    """The first field with a number, which becomes a text; without one, the first text, which
    becomes a list."""
    for name, value in fields.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {name: str(value)}
    return next(({n: [v]} for n, v in fields.items() if isinstance(v, str)), {})
