"""Deletes old runs."""

from datetime import timedelta

from sequin_admin.core import clock, pruning
from sequin_admin.syncs.models import Run, RunStatus
from sequin_admin.syncs.runs import run_samples

# Of runs that moved nothing: one every few seconds for each pair that is synced all the time.
KEEP_IDLE = timedelta(days=1)


def prune() -> None:
    """Those that ended before the days of `KEEP_RUNS_DAYS`, and sooner those that moved nothing."""
    pruning.prune(Run.objects.filter(ended_at__lt=pruning.cutoff("KEEP_RUNS_DAYS")), by="ended_at")
    idle = {"rows_read": 0, "rows_written": 0, "rows_deleted": 0, "status": RunStatus.SUCCEEDED}
    old = Run.objects.filter(ended_at__lt=clock.now() - KEEP_IDLE, **idle)
    pruning.prune(old, by="ended_at")
    run_samples.prune()
