"""Reports of runs: each is a heartbeat, and only the holder's counts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from sequin_admin.access.models import ApiKey
from sequin_admin.core import clock, leases
from sequin_admin.core.redaction import redact
from sequin_admin.core.words import format_time
from sequin_admin.syncs.models import CollectionState, Run, RunSlot, RunStatus, Sync
from sequin_admin.syncs.runs import log_lines, run_endings, run_samples
from sequin_admin.syncs.runs.progress import CollectionReport, apply_reports, check_reports
from sequin_admin.syncs.runs.worker_requests import WorkerRequest, requests_for
from sequin_admin.tokens.known_secrets import known_secrets

MESSAGE_CHARS, CODE_CHARS = 400, 60
STOP = "Stop its work: another run may have begun, and goes on from the last cursor."


class RunOver(Exception):
    """The report came too late, or from another than the holder. `str()` is a sentence."""


@dataclass(frozen=True)
class RunReport:
    """What a worker says of its run. `status` `running` goes on."""

    fence: int
    status: str = RunStatus.RUNNING
    collections: Sequence[CollectionReport] = ()
    waiting: str = ""
    log: Sequence[str] = ()
    error: dict[str, Any] | None = None


@dataclass(frozen=True)
class ReportAnswer:
    """The run after a report, until when it is leased, and what its worker should do."""

    run: Run
    requests: list[WorkerRequest] = field(default_factory=list)


@transaction.atomic
def record(pk: UUID, key: ApiKey, report: RunReport) -> ReportAnswer:
    """Store a report of a run that the key claimed.

    Raises `Run.DoesNotExist`, `RunOver` and `InvalidReport`.
    """
    run = Run.objects.defer("log", "collections").get(organization=key.organization_id, pk=pk)
    if run.api_key_id != key.pk:
        raise RunOver(f"{run} was claimed with another API key, which alone may report it.")
    slot = hold(run, report)
    rows = Run.objects.select_for_update(no_key=True)
    # What was not loaded is not saved: a heartbeat does not write the log again.
    run = (rows if report.log else rows.defer("log")).get(pk=pk)
    refuse_if_over(run, report)
    check_reports(run, report.collections)
    now, sync = clock.now(), slot.sync
    states = apply_reports(run, slot, report.collections, now)
    add_facts(run, sync, report, now)
    if report.status == RunStatus.RUNNING:
        found = requests_for(run, slot, states)
        run.requests = [each.as_json() for each in found]
        run.held_until = now + timedelta(seconds=run.lease_s)
    else:
        found = []
        run_endings.end_run(run, slot, states, report.status, now)
    run.save()
    count_in_sync(run, sync, states, report, now)
    return ReportAnswer(run, found)


def hold(run: Run, report: RunReport) -> RunSlot:
    """Extend the lease, which locks the slot until the transaction ends. Raises `RunOver`."""
    refuse_if_over(run, report)
    held = leases.with_fence(RunSlot.objects.filter(pk__in=[run.slot_id]), report.fence)
    if not leases.extend(held, timedelta(seconds=run.lease_s)):
        run.refresh_from_db()
        refuse_if_over(run, report)
        raise RunOver(f"{run} no longer holds its sync and consumer, or they are gone. {STOP}")
    slots = RunSlot.objects.select_related("sync__credential", "consumer")
    return slots.defer("sync__credential__secrets").get(pk__in=[run.slot_id])


def refuse_if_over(run: Run, report: RunReport) -> None:
    """Raises `RunOver` with the sentence that fits."""
    if run.status == RunStatus.LOST:
        raise RunOver(
            f"{run} was lost: no report came within its lease of {run.lease_s} seconds. {STOP}"
        )
    if not run.is_running():
        ended = format_time(run.ended_at) if run.ended_at else "before"
        raise RunOver(f"{run} has ended as {run.status} ({ended}). Claim another run.")
    if run.fence != report.fence:
        raise RunOver(
            f"The fence of {run} is {run.fence:,}, not {report.fence:,}: another holds it. {STOP}"
        )


def add_facts(run: Run, sync: Sync, report: RunReport, now: datetime) -> None:
    """The rest of a report: what it waits for, its error and its log, without secrets."""
    run.last_report_at = now
    if report.collections or report.waiting:
        run.last_progress_at = now
    if report.waiting != run.waiting:
        run.waiting, run.waiting_since = report.waiting, now if report.waiting else None
    secrets = list(known_secrets(sync)) if report.log or report.error else []
    if report.error:
        message = redact(report.error["message"], secrets)[:MESSAGE_CHARS]
        code = redact(report.error["code"], secrets)[:CODE_CHARS]
        run.error = {**report.error, "code": code, "message": message}
    if report.log:
        log_lines.add_lines(run, report.log, secrets)


def count_in_sync(
    run: Run, sync: Sync, states: list[CollectionState], report: RunReport, now: datetime
) -> None:
    """Add the report to what the sync shows."""
    facts: dict[str, Any] = {
        "rows_total": F("rows_total") + sum(each.rows_read for each in report.collections),
        "first_report_at": Coalesce("first_report_at", now),
        "last_report_at": now,
    }
    if run.lag_s is not None:
        facts["lag_s"] = run.lag_s
    if run.status == RunStatus.SUCCEEDED:
        facts["last_succeeded_at"] = now
        if states and all(state.completed_at for state in states):
            completed = Coalesce("initial_backfill_completed_at", now)
            facts["initial_backfill_completed_at"] = completed
    Sync.objects.filter(pk=sync.pk).update(**facts)
    rows = sum(each.rows_read for each in report.collections)
    run_samples.record_sample(sync, rows, run.lag_s if report.collections else None, now)
