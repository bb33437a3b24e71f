"""Runs of a sync in the states that pages show, through what engines do."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Scope
from sequin_admin.core import clock
from sequin_admin.syncs.models import DeleteMethod, Run, RunSlot, RunStatus, Sync
from sequin_admin.syncs.runs import claims, run_health, run_reports, slots
from sequin_admin.syncs.runs.claims import RunFilter
from sequin_admin.syncs.runs.progress import CollectionReport
from sequin_admin.syncs.runs.run_reports import RunReport

TARGET_AWAY = {
    "owner": "operator",
    "code": "connection_refused",
    "message": "The database refuses the connection.",
    "of": "target",
}


def make_key(sync: Sync) -> ApiKey:
    return keys.create(sync.organization, name="engine", scopes=[Scope.RUNS], actor=None)[0]


def claim_run(sync: Sync, key: ApiKey) -> Run:
    """Of its first pair, whenever it is due."""
    slots.make_slots(sync.organization)
    RunSlot.objects.filter(sync=sync).update(due_at=clock.now() - timedelta(seconds=1))
    claimed = claims.claim(key, RunFilter(sync_ids=[sync.pk]), timedelta(minutes=10))
    assert claimed
    return claimed.run


def report_run(
    run: Run,
    key: ApiKey,
    *collections: CollectionReport,
    status: str = RunStatus.RUNNING,
    waiting: str = "",
    log: Sequence[str] = (),
    error: dict[str, Any] | None = None,
) -> Run:
    report = RunReport(run.fence, status, collections, waiting, log, error)
    answer = run_reports.record(run.pk, key, report)
    run_health.record_progress(answer.run)
    return answer.run


def make_runs(sync: Sync) -> tuple[Run, Run]:
    """One that is under way and waits for a permit, one that failed; deletes of a sweep wait for a
    person."""
    key, names = make_key(sync), claim_names(sync)
    failed = claim_run(sync, key)
    swept = CollectionReport(
        names[0],
        rows_read=1000,
        rows_written=990,
        lag_s=75.0,
        deletes=DeleteMethod.SWEEP,
        full_pass=True,
        rows_seen=1000,
        rows_to_delete=4000,
        completed=True,
    )
    failed = report_run(failed, key, swept, status="failed", error=TARGET_AWAY, log=["Page 1."])
    running = claim_run(sync, key)
    read = CollectionReport(names[0], rows_read=500, rows_written=400, lag_s=3.0)
    lines = [f"Page {number} of customers: 100 rows" for number in range(40)]
    running = report_run(running, key, read, waiting="permit", log=lines)
    return running, failed


def claim_names(sync: Sync) -> list[str]:
    """The collections that a run of it reads."""
    return sync.collection_ids or claims.all_collection_ids(sync)
