"""What a worker should do, as the answer to its report says."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.db import models

from sequin_admin.syncs.models import CollectionState, Run, RunSlot


class RequestKind(models.TextChoices):
    """What is asked of a worker."""

    PAUSE = "pause", "End the run: the sync is paused"
    CANCEL = "cancel", "End the run"
    RESYNC = "resync", "Read the collection again, into a new generation"
    HOLD_DELETES = "hold_deletes", "Delete nothing of the collection in this pass"


@dataclass(frozen=True)
class WorkerRequest:
    """One thing that is asked of the worker of a run; of a collection, or of all of it."""

    kind: RequestKind
    collection_id: str | None = None
    # Of a resync.
    generation: int | None = None
    swap_from: int | None = None

    def as_json(self) -> dict[str, Any]:
        shown = {**asdict(self), "kind": self.kind.value}
        return {name: value for name, value in shown.items() if value is not None}


def requests_for(run: Run, slot: RunSlot, states: Iterable[CollectionState]) -> list[WorkerRequest]:
    """`slot` has its sync and consumer as they are stored now."""
    found = []
    if slot.sync.paused_at:
        found.append(WorkerRequest(RequestKind.PAUSE))
    if run.cancel_requested_at or not is_wanted(slot):
        found.append(WorkerRequest(RequestKind.CANCEL))
    begun = {entry["collection_id"]: entry["generation"] for entry in run.collections}
    for state in states:
        name = state.collection_id
        if state.generation > begun[name]:
            again = (state.generation, state.swap_from)
            found.append(WorkerRequest(RequestKind.RESYNC, name, *again))
        if state.deletes_held is not None:
            found.append(WorkerRequest(RequestKind.HOLD_DELETES, name))
    return found


def is_wanted(slot: RunSlot) -> bool:
    """Whether the sync and the consumer are still active, and the consumer selects the sync."""
    consumer = slot.consumer
    if slot.sync.disabled_at or consumer.disabled_at:
        return False
    return consumer.all_syncs or consumer.syncs.filter(pk=slot.sync_id).exists()
