"""What runs say of the health of their sync and consumer, as checks of both."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from sequin_admin.core import clock
from sequin_admin.core.words import format_duration
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.outcomes import Outcome
from sequin_admin.syncs.check_results import DELETES, LAG, LATE, REPORT, ROWS, WRITING, record_known
from sequin_admin.syncs.models import CollectionState, Run, RunStatus, Sync, Target
from sequin_admin.syncs.reports import ReportedError, outcome_of
from sequin_admin.syncs.runs import pacing, run_endings


def record_progress(run: Run) -> None:
    """Record what the run's latest report says."""
    findings = findings_of(run)
    if run.status == RunStatus.FAILED:
        record_failure(run, findings)
    elif run.status == RunStatus.SUCCEEDED:
        passed = {LATE: outcomes.works(), REPORT: outcomes.works()}
        record_known(run.sync, {**findings, **passed}, REPORT)
        if run.consumer:
            record_known(run.consumer, {WRITING: outcomes.works()})
    else:
        record_known(run.sync, findings)


def record_failure(run: Run, findings: Mapping[str, Outcome]) -> None:
    """A fault of the target is the consumer's; one of the source is the sync's."""
    error = run.error or run_endings.NO_REASON
    outcome = outcome_of(ReportedError(error["owner"], error["code"], error["message"]))
    if run.slot and run.slot.stopped_at:
        outcome = replace(outcome, remedy=f"{outcome.remedy} {run_endings.AGAIN}")
    if error["of"] == "target" and run.consumer:
        record_known(run.sync, findings)
        record_known(run.consumer, {WRITING: outcome}, WRITING)
        # Its own test says what is wrong.
        Target.objects.filter(pk__in=[run.target_id]).update(check_due_at=clock.now())
    else:
        record_known(run.sync, {**findings, REPORT: outcome}, REPORT)


def record_findings(sync: Sync) -> None:
    """Record what is known of its collections, after a person has confirmed deletes."""
    record_known(sync, collection_outcomes(sync))


def findings_of(run: Run) -> dict[str, Outcome]:
    """The results of checks of the sync's rows after a report; none for a bare heartbeat."""
    if run.slot_id is None or run.last_progress_at != run.last_report_at:
        return {}
    return {**collection_outcomes(run.sync), LAG: lag_outcome(run)}


def collection_outcomes(sync: Sync) -> dict[str, Outcome]:
    states = list(
        CollectionState.objects.filter(slot__sync=sync)
        .exclude(deletes_held=None, emptied_from=None)
        .order_by("collection_id", "pk")
    )
    held = next((state for state in states if state.deletes_held is not None), None)
    empty = next((state for state in states if state.emptied_from is not None), None)
    return {
        DELETES: held_outcome(held) if held else outcomes.works(),
        ROWS: empty_outcome(empty) if empty else outcomes.works(),
    }


def held_outcome(state: CollectionState) -> Outcome:
    known = state.rows_known
    of = f" of {known:,}" if known is not None else ""
    return outcomes.operator(
        "deletes_held",
        f"A full pass of {state.collection_id} no longer found {state.deletes_held:,}{of} rows. "
        "They were not deleted.",
        "We must look whether they are really gone, then confirm the deletes or mend the source.",
        of_app=False,
    )


def empty_outcome(state: CollectionState) -> Outcome:
    return outcomes.operator(
        "no_rows",
        f"A full pass of {state.collection_id} found no rows, where there were "
        f"{state.emptied_from:,} before.",
        "We must look whether the account still shows them to us, then confirm or mend it.",
        of_app=False,
    )


def lag_outcome(run: Run) -> Outcome:
    """Of a sync whose first backfill is done: before, it is behind by its nature."""
    most = pacing.late_after(run.sync.sync_frequency)
    if run.lag_s is None or run.sync.initial_backfill_completed_at is None:
        return outcomes.works()
    if run.lag_s <= most.total_seconds():
        return outcomes.works()
    behind = format_duration(timedelta(seconds=run.lag_s))
    allowed = format_duration(most)
    return outcomes.transient(
        "lag", f"Its rows are {behind} behind the source; {allowed} is what we expect."
    )
