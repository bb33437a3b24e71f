"""What people ask of runs: pause, resume, resync, cancel, and confirm deletes. All audited."""

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from sequin_admin.audit.models import record_change
from sequin_admin.core import clock, leases
from sequin_admin.core.actors import AnyActor
from sequin_admin.notifications.events import record_and_notify
from sequin_admin.syncs.models import CollectionState, Run, RunSlot, Sync
from sequin_admin.syncs.runs import slots, sweeps


class RunRefused(Exception):
    """What was asked for can't be done. `str()` is a sentence."""


@transaction.atomic
def pause(sync: Sync, *, actor: AnyActor) -> None:
    """Let no run start until it is resumed. A running one ends at its next report."""
    if sync.paused_at:
        return
    sync.paused_at = clock.now()
    sync.save(update_fields=["paused_at", "updated_at"])
    record_and_notify(sync, "sync.paused", actor)


@transaction.atomic
def resume(sync: Sync, *, actor: AnyActor) -> None:
    """Let the next run of each of its pairs start at once, also after a pause or a stop."""
    RunSlot.objects.filter(sync=sync).update(
        failures=0, faults=0, stopped_at=None, stop_sentence="", due_at=clock.now()
    )
    sync.paused_at, sync.resumed_at = None, clock.now()
    sync.save(update_fields=["paused_at", "resumed_at", "updated_at"])
    record_and_notify(sync, "sync.resumed", actor)


@transaction.atomic
def resync(sync: Sync, collection_id: str, *, actor: AnyActor) -> int:
    """Let each consumer's next run read the collection again from its beginning, into a new
    generation. Returns how many pairs that are.

    Raises `RunRefused` for a collection that the sync does not read.
    """
    refuse_unless_read(sync, collection_id)
    slots.make_slots(sync.organization, Sync.objects.filter(pk=sync.pk))
    rows = RunSlot.objects.filter(sync=sync).order_by("pk").select_for_update(no_key=True)
    pairs = list(rows)
    states = CollectionState.objects.filter(slot__in=pairs, collection_id=collection_id)
    begin_generation(states)
    # Of a held slot as well: its run may go on, and the next one is due at its end.
    RunSlot.objects.filter(leases.unleased(), pk__in=[slot.pk for slot in pairs]).update(
        due_at=clock.now()
    )
    record_change(sync, "sync.resync_requested", actor, collection_id=collection_id)
    return len(pairs)


def refuse_unless_read(sync: Sync, collection_id: str) -> None:
    """Raises `RunRefused` for a collection that the sync does not read."""
    if not collection_id or (sync.collection_ids and collection_id not in sync.collection_ids):
        raise RunRefused(f"{sync} does not read {collection_id[:100]}. Name one that it reads.")


def begin_generation(states: QuerySet[CollectionState]) -> None:
    """Let these collections be read from their beginning. What was never read is so anyway. How
    many rows the source had stays known."""
    unknown = ("cursor", "completed_at", "lag_s", "rows_seen", "emptied_from")
    states.update(
        swap_from=Coalesce("swap_from", "generation"),
        generation=F("generation") + 1,
        **dict.fromkeys((*unknown, "deletes_held", "deletes_confirmed_at"), None),
        **dict.fromkeys(("rows_read", "rows_written", "rows_deleted"), 0),
        updated_at=clock.now(),
    )


@transaction.atomic
def cancel(run: Run, *, actor: AnyActor) -> None:
    """Ask the worker to end this run at its next report. Raises `RunRefused` for one that ended."""
    row = Run.objects.select_for_update(no_key=True).get(pk=run.pk)
    refuse_unless_running(row)
    if row.cancel_requested_at is None:
        row.cancel_requested_at = clock.now()
        row.requests = [*row.requests, {"kind": "cancel"}]
        row.save(update_fields=["cancel_requested_at", "requests"])
        record_change(row.sync, "sync.run_cancelled", actor, run=str(row.pk))


def refuse_unless_running(run: Run) -> None:
    """Raises `RunRefused` for one that ended."""
    if not run.is_running():
        raise RunRefused(f"{run} has ended as {run.status} already.")


@transaction.atomic
def confirm_deletes(sync: Sync, *, actor: AnyActor, collection_id: str = "") -> list[str]:
    """Let the next full pass delete what was held, and believe one that found nothing.

    Returns the collections. Raises `RunRefused` when nothing waits.
    """
    rows = CollectionState.objects.filter(slot__sync=sync).exclude(
        deletes_held=None, emptied_from=None
    )
    if collection_id:
        rows = rows.filter(collection_id=collection_id)
    # The slots first, as a report does.
    locked = RunSlot.objects.filter(sync=sync).order_by("pk").select_for_update(no_key=True)
    slot_ids = [slot.pk for slot in locked]
    states = list(rows.filter(slot__in=slot_ids).order_by("pk"))
    if not states:
        raise RunRefused(f"No deletes of {sync} wait to be confirmed.")
    for state in states:
        sweeps.confirm(state)
        state.save()
    names = sorted({state.collection_id for state in states})
    RunSlot.objects.filter(leases.unleased(), pk__in=slot_ids).update(due_at=clock.now())
    record_change(sync, "sync.deletes_confirmed", actor, collections=names)
    return names
