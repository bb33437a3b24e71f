"""What a report says of each collection, and how it moves the stored state."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sequin_admin.syncs.models import CollectionState, DeleteMethod, Run, RunSlot, iso_time
from sequin_admin.syncs.runs import sweeps

LARGEST_CURSOR = 16 * 1024
# Of one report, so that no total grows beyond what the database can count.
MOST_ROWS = 10**12
COUNTS = ("rows_read", "rows_written", "rows_deleted")


class InvalidReport(Exception):
    """A report that can't be stored. `fields` has a sentence for each path."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = fields


@dataclass(frozen=True)
class CollectionReport:
    """What a worker says of a collection: counts since its last report.

    `has_cursor`: the cursor is to be stored, whatever it is. `rows_seen` is how many rows a full
    pass has seen, `rows_to_delete` how many the worker would delete by a sweep or a swap.
    """

    collection_id: str
    generation: int | None = None
    cursor: object = None
    has_cursor: bool = False
    rows_read: int = 0
    rows_written: int = 0
    rows_deleted: int = 0
    lag_s: float | None = None
    deletes: DeleteMethod | None = None
    full_pass: bool | None = None
    rows_seen: int | None = None
    rows_to_delete: int | None = None
    completed: bool = False


def check_reports(run: Run, reports: Sequence[CollectionReport]) -> None:
    """Raises `InvalidReport` for a collection that is not the run's, a cursor that is too large,
    and more rows than one report may tell."""
    held = {entry["collection_id"] for entry in run.collections}
    wrong = {}
    for number, report in enumerate(reports):
        if report.collection_id not in held:
            wrong[f"collections.{number}.collection_id"] = (
                "This run does not read that collection. Report those that its claim named."
            )
        if len(json.dumps(report.cursor, ensure_ascii=False).encode()) > LARGEST_CURSOR:
            wrong[f"collections.{number}.cursor"] = (
                f"A cursor has {LARGEST_CURSOR:,} bytes as JSON at the most."
            )
    if any(sum(getattr(each, name) for each in reports) > MOST_ROWS for name in COUNTS):
        wrong["collections"] = f"All together have {MOST_ROWS:,} rows in one report at the most."
    if wrong:
        raise InvalidReport(wrong)


def apply_reports(
    run: Run, slot: RunSlot, reports: Sequence[CollectionReport], at: datetime
) -> list[CollectionState]:
    """Add the counts to the run and to the states of its collections, and move cursors.

    The caller has locked the slot as the run's, so that no other run moves them. A report of a
    generation that a resync has replaced counts for the run alone. Returns all states of the run.
    """
    ids = [entry["collection_id"] for entry in run.collections]
    states = {row.collection_id: row for row in slot.collections.filter(collection_id__in=ids)}
    entries = {entry["collection_id"]: entry for entry in run.collections}
    changed = {}
    for number, report in enumerate(reports):
        entry, state = entries[report.collection_id], states.get(report.collection_id)
        generation = report.generation or entry["generation"]
        if state and generation > state.generation:
            message = f"There is no generation {generation:,} of it yet."
            raise InvalidReport({f"collections.{number}.generation": message})
        add_to_entry(entry, report, generation, at)
        if state and generation == state.generation:
            add_to_state(state, report, slot.lease_fence, at)
            changed[state.pk] = state
    for state in changed.values():
        state.save()
    add_to_run(run, reports)
    return list(states.values())


def add_to_run(run: Run, reports: Sequence[CollectionReport]) -> None:
    for name in COUNTS:
        setattr(run, name, getattr(run, name) + sum(getattr(each, name) for each in reports))
    lags = [entry["lag_s"] for entry in run.collections if entry["lag_s"] is not None]
    run.lag_s = max(lags, default=None)


def add_to_entry(
    entry: dict[str, Any], report: CollectionReport, generation: int, at: datetime
) -> None:
    """Add a report to what the run shows of the collection."""
    for name in COUNTS:
        entry[name] += getattr(report, name)
    entry["generation"] = generation
    if report.lag_s is not None:
        entry["lag_s"] = report.lag_s
    if report.deletes is not None:
        entry["deletes"] = report.deletes.value
    if report.full_pass is not None:
        entry["full_pass"] = report.full_pass
    if report.completed:
        entry["completed_at"] = iso_time(at)


def add_to_state(
    state: CollectionState, report: CollectionReport, fence: int, at: datetime
) -> None:
    for name in COUNTS:
        setattr(state, name, getattr(state, name) + getattr(report, name))
    if report.has_cursor:
        state.cursor, state.cursor_fence = report.cursor, fence
    if report.lag_s is not None:
        state.lag_s = report.lag_s
    if report.deletes is not None:
        state.deletes = report.deletes
    # A sweep lists all keys, also one that reads only the rows that have changed.
    is_full = report.full_pass or report.rows_to_delete is not None
    seen = report.rows_seen if is_full else None
    sweeps.judge_full_pass(state, seen, report.rows_to_delete, report.completed)
    if report.completed:
        state.completed_at, state.swap_from = at, None
