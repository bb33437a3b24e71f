"""What becomes of a consumer's runs when it is deleted, or its target is another one. The caller
is in a transaction."""

from collections.abc import Iterable

from sequin_admin.core import clock, leases
from sequin_admin.syncs.models import CollectionState, Consumer, Run, RunSlot, RunStatus
from sequin_admin.syncs.runs.run_operations import begin_generation


def end_runs_of(consumers: Iterable[Consumer]) -> list[RunSlot]:
    """End the runs under way at once: their next reports are refused. Returns the slots, locked."""
    of_these = {"consumer__in": [consumer.pk for consumer in consumers]}
    rows = RunSlot.objects.filter(**of_these).order_by("pk").select_for_update(no_key=True)
    slots, now = list(rows), clock.now()
    running = Run.objects.filter(**of_these, status=RunStatus.RUNNING)
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


def read_all_again(consumers: Iterable[Consumer]) -> None:
    """Let new runs read every collection from its beginning: another target has none of the rows
    that the former one has."""
    slots = [slot.pk for slot in end_runs_of(consumers)]
    begin_generation(CollectionState.objects.filter(slot__in=slots))
    RunSlot.objects.filter(pk__in=slots).update(due_at=clock.now())
