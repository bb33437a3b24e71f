"""Ends runs whose lease has expired without a report, and those whose workers do not end them."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from sequin_admin.core import clock, leases
from sequin_admin.core.clock import DatabaseTime
from sequin_admin.syncs.models import Run, RunSlot, RunStatus
from sequin_admin.syncs.runs import pacing, run_endings

MOST_AT_ONCE = 1000
# Each asks the worker of a run to end it.
ASKED = ("cancel_requested_at", "sync__paused_at", "sync__disabled_at", "consumer__disabled_at")
IGNORED_REQUEST = {
    "owner": "operator",
    "code": "did_not_end",
    "message": "Its worker went on for a whole lease after it was asked to end, so it was ended.",
    "of": "source",
}


def end_lost_runs() -> None:
    """The pairs are due at once: another worker goes on. See `end_run_of()` for those that wait."""
    expired = RunSlot.objects.filter(lease_until__lte=DatabaseTime()).order_by("lease_until")
    for pk in [*expired.values_list("pk", flat=True)[:MOST_AT_ONCE]]:
        end_if_expired(pk)
    for pk in [*list_ignoring()]:
        end_ignoring(pk)


def list_ignoring() -> Iterator[UUID]:
    """Runs whose workers were asked to end them more than their lease ago, and report all the same:
    they would keep the token and the target."""
    asked = Q(*((f"{name}__isnull", False) for name in ASKED), _connector=Q.OR)
    running = Run.objects.running().filter(asked, slot__isnull=False)
    for pk, lease_s, *times in running.values_list("pk", "lease_s", *ASKED)[:MOST_AT_ONCE]:
        first = min(at for at in times if at is not None)
        if first + timedelta(seconds=lease_s) < clock.now():
            yield pk


@transaction.atomic
def end_ignoring(pk: UUID) -> None:
    """Nothing when it has ended meanwhile."""
    slots = RunSlot.objects.filter(runs=pk).select_related("sync")
    slot = slots.select_for_update(no_key=True, of=("self",)).first()
    run = Run.objects.running().filter(pk=pk).defer("log").first()
    if slot is None or run is None or slot.lease_fence != run.fence:
        return
    run.error = dict(IGNORED_REQUEST)
    states = list(slot.collections.all())
    run_endings.end_run(run, slot, states, RunStatus.CANCELLED, clock.now())
    run.save()


@transaction.atomic
def end_if_expired(pk: UUID) -> None:
    """Nothing when its holder has reported, or another has taken it, meanwhile."""
    rows = RunSlot.objects.filter(pk=pk, lease_until__lte=DatabaseTime())
    slot = rows.select_for_update(skip_locked=True, no_key=True).first()
    if slot:
        end_run_of(slot)
        leases.revoke(slot)


def end_run_of(slot: RunSlot) -> bool:
    """Mark the run that holds the locked slot as lost, if there is one. Whether its pair must wait:
    its workers vanish again and again before they have told anything."""
    running = Run.objects.filter(slot=slot, status=RunStatus.RUNNING)
    began = running.values_list("started_at", "last_progress_at").first()
    if began is None:
        return False
    now = clock.now()
    running.update(status=RunStatus.LOST, ended_at=now, held_until=None, waiting="")
    started_at, told_at = began
    has_told = told_at is not None and told_at > started_at
    slot.failures = 0 if has_told else slot.failures + 1
    if must_wait := slot.failures > 1:
        slot.due_at = pacing.retry_due(slot.failures - 1, now)
    slot.save(update_fields=["failures", "due_at"])
    return must_wait
