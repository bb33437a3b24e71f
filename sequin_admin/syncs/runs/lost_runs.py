"""Ends runs whose lease has expired without a report."""

from uuid import UUID

from django.db import transaction

from sequin_admin.core import clock, leases
from sequin_admin.core.clock import DatabaseTime
from sequin_admin.syncs.models import Run, RunSlot, RunStatus

MOST_AT_ONCE = 1000


def end_lost_runs() -> None:
    """The pairs are due at once: another worker goes on."""
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


def end_run_of(slot: RunSlot) -> None:
    """Mark the run that holds the locked slot as lost, if there is one."""
    running = Run.objects.filter(slot=slot, status=RunStatus.RUNNING)
    running.update(status=RunStatus.LOST, ended_at=clock.now(), held_until=None, waiting="")
