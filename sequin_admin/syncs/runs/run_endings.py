"""How a run ends: when the next one is due, and whether it stops after faults in a row."""

from datetime import datetime
from typing import Any

from sequin_admin.core import leases
from sequin_admin.core.words import count_words
from sequin_admin.syncs.models import CollectionState, Run, RunSlot, RunStatus
from sequin_admin.syncs.runs import pacing

WHO = {"customer": "The customer must act.", "operator": "We must act."}
AGAIN = "No run starts by itself any more: when that is mended, resume the sync."
NO_REASON = {
    "owner": "nobody",
    "code": "failed",
    "message": "The worker says that the run failed, and not why.",
    "of": "source",
}
SENTENCE_CHARS = 500


def end_run(
    run: Run, slot: RunSlot, states: list[CollectionState], status: str, now: datetime
) -> None:
    """End a run whose slot is locked as its own, and let the slot's next run be due. Saves the
    slot, not the run."""
    run.status, run.ended_at, run.held_until = status, now, None
    run.waiting, run.waiting_since, run.requests = "", None, []
    if status == RunStatus.FAILED and not run.error:
        run.error = dict(NO_REASON)
    columns = columns_after(run, slot, now)
    if status != RunStatus.FAILED and has_new_generation(run, states):
        columns["due_at"] = now
    leases.release(slot, **columns)


def columns_after(run: Run, slot: RunSlot, now: datetime) -> dict[str, Any]:
    if run.status == RunStatus.FAILED:
        return columns_after_failure(run, slot, now)
    due_at = pacing.next_due(slot.sync.sync_frequency, run.started_at, now)
    if run.status == RunStatus.CANCELLED:
        # A worker that was stopped has left the rest to another one.
        return {"due_at": due_at if run.cancel_requested_at else now}
    mended = {"failures": 0, "faults": 0, "stopped_at": None, "stop_sentence": ""}
    return {**mended, "due_at": due_at, "last_succeeded_at": now}


def columns_after_failure(run: Run, slot: RunSlot, now: datetime) -> dict[str, Any]:
    """A failure that nobody can mend is tried again for ever, ever more rarely."""
    failures, faults = slot.failures + 1, slot.faults
    columns: dict[str, Any] = {"failures": failures, "due_at": pacing.retry_due(failures, now)}
    if (run.error or NO_REASON)["owner"] == "nobody":
        return columns
    columns["faults"] = faults + 1
    if faults + 1 >= pacing.MOST_FAULTS:
        columns |= {"stopped_at": now, "stop_sentence": stop_sentence(run, faults + 1)}
    return columns


def stop_sentence(run: Run, faults: int) -> str:
    error = run.error or NO_REASON
    said = f"It stopped after {count_words(faults, 'failure')} in a row. {WHO[error['owner']]}"
    left = SENTENCE_CHARS - len(said) - len(AGAIN) - 2
    return f"{said} {error['message'][:left]} {AGAIN}"


def has_new_generation(run: Run, states: list[CollectionState]) -> bool:
    """Whether a resync was asked for that the run has not begun."""
    begun = {entry["collection_id"]: entry["generation"] for entry in run.collections}
    return any(state.generation > begun.get(state.collection_id, 0) for state in states)
