"""How much waits for whom, over everything: from the open causes, as the queues below are."""

from collections.abc import Iterable
from dataclasses import dataclass

from sequin_admin.health.models import Cause
from sequin_admin.health.status import Status


@dataclass(frozen=True)
class PartyCount:
    """What waits for one party: `broken` things in `causes`, and `waiting` ones that need them."""

    status: str
    who: str
    causes: int = 0
    broken: int = 0
    waiting: int = 0


def count_parties(causes: Iterable[Cause]) -> list[PartyCount]:
    """Ours first, of what `fleet.largest_causes()` finds. No query."""
    found = {
        cause.status: [vars(cause)[f"party_{name}"] for name in ("causes", "broken", "waiting")]
        for cause in causes
    }
    parties = ((Status.SEQUIN.value, "us"), (Status.CUSTOMER.value, "customers"))
    return [PartyCount(status, who, *found.get(status, ())) for status, who in parties]
