"""Reports of a sync's worker that claims no runs: each is a run of its own."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from sequin_admin.core import clock
from sequin_admin.core.redaction import redact
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.outcomes import Outcome
from sequin_admin.health.checks import record_checks
from sequin_admin.health.rollup import propagate
from sequin_admin.syncs.check_results import LATE, REPORT, told_results
from sequin_admin.syncs.models import Run, RunStatus, Sync
from sequin_admin.syncs.runs.run_samples import record_sample
from sequin_admin.tokens.known_secrets import known_secrets


@dataclass(frozen=True)
class ReportedError:
    """An error as a worker reports it. `owner` is `customer`, `operator` or `nobody`."""

    owner: str
    code: str
    message: str


def record_report(
    sync: Sync,
    *,
    rows: int = 0,
    lag_s: float | None = None,
    backfilled: bool = False,
    trouble: ReportedError | None = None,
) -> Outcome:
    """Store one report. `rows` are added to the total; without `trouble` the sync works."""
    outcome, now = outcome_of(trouble, known_secrets(sync)), clock.now()
    facts: dict[str, Any] = {
        "rows_total": F("rows_total") + rows,
        "first_report_at": Coalesce("first_report_at", now),
        "last_report_at": now,
    }
    if lag_s is not None:
        facts["lag_s"] = lag_s
    if backfilled:
        facts["initial_backfill_completed_at"] = Coalesce("initial_backfill_completed_at", now)
    if trouble is None:
        facts["last_succeeded_at"] = now
    with transaction.atomic():
        record_run(sync, rows, lag_s, trouble, outcome)
        Sync.objects.filter(pk=sync.pk).update(**facts)
        record_sample(sync, rows, lag_s, now)
        results = {REPORT: outcome} if trouble else {REPORT: outcome, LATE: outcome}
        changed = record_checks(sync, told_results(sync, results, REPORT))
    propagate(changed)
    return outcome


def record_run(
    sync: Sync, rows: int, lag_s: float | None, trouble: ReportedError | None, outcome: Outcome
) -> None:
    error = {**asdict(trouble), "message": outcome.message, "of": "source"} if trouble else None
    now = clock.now()
    Run.objects.create(
        organization_id=sync.organization_id,
        sync=sync,
        status=RunStatus.FAILED if trouble else RunStatus.SUCCEEDED,
        started_at=now,
        last_report_at=now,
        ended_at=now,
        rows_read=rows,
        lag_s=lag_s,
        error=error,
    )


def outcome_of(trouble: ReportedError | None, secrets: Iterable[str] = ()) -> Outcome:
    """The outcome of a report. Its message is redacted, as a worker may report a secret."""
    if trouble is None:
        return outcomes.works()
    message = redact(trouble.message, secrets)[:400]
    if trouble.owner == "customer":
        return outcomes.customer(trouble.code, message, "The customer must act.", "You must act.")
    if trouble.owner == "operator":
        return outcomes.operator(trouble.code, message, "We must act.", of_app=False)
    return outcomes.transient(trouble.code, message)
