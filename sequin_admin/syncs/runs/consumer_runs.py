"""What becomes of a consumer's runs when it is deleted, or its target is another one. The caller
is in a transaction."""

from sequin_admin.core import clock, leases
from sequin_admin.syncs.models import Consumer, Run, RunSlot, RunStatus
from sequin_admin.syncs.runs.run_operations import begin_generation


def end_runs_of(consumer: Consumer) -> list[RunSlot]:
    """End the runs under way at once: their next reports are refused. Returns the slots, locked."""
    rows = RunSlot.objects.filter(consumer=consumer).order_by("pk").select_for_update(no_key=True)
    slots, now = list(rows), clock.now()
    running = Run.objects.filter(consumer=consumer, status=RunStatus.RUNNING)
    running.update(
        status=RunStatus.CANCELLED,
        ended_at=now,
        cancel_requested_at=now,
        held_until=None,
        waiting="",
        requests=[],
    )
    leases.revoke(*slots)
    return slots


def read_all_again(consumer: Consumer) -> None:
    """Let new runs read every collection from its beginning: another target has none of the rows
    that the former one has."""
    slots = end_runs_of(consumer)
    for slot in slots:
        for state in slot.collections.all():
            begin_generation(slot, state.collection_id)
    RunSlot.objects.filter(pk__in=[slot.pk for slot in slots]).update(due_at=clock.now())
