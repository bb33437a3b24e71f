"""Ends runs whose lease has expired without a report."""

from uuid import UUID

from django.db import transaction

from sequin_admin.core import clock, leases
from sequin_admin.core.clock import DatabaseTime
from sequin_admin.syncs.models import Run, RunSlot, RunStatus
from sequin_admin.syncs.runs import pacing

MOST_AT_ONCE = 1000


def end_lost_runs() -> None:
    """The pairs are due at once: another worker goes on. See `end_run_of()` for those that wait."""
    expired = RunSlot.objects.filter(lease_until__lte=DatabaseTime()).order_by("lease_until")
    for pk in [*expired.values_list("pk", flat=True)[:MOST_AT_ONCE]]:
        end_if_expired(pk)


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
