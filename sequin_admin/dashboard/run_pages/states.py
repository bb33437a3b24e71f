"""The states of runs in words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sequin_admin.core import clock
from sequin_admin.core.words import count_words, format_duration
from sequin_admin.syncs.models import (
    CollectionState,
    DeleteMethod,
    Run,
    RunSlot,
    RunStatus,
    RunWait,
)
from sequin_admin.syncs.runs import slots

# A run that is due is claimed within seconds, where an engine is there.
OVERDUE = timedelta(minutes=2)
# What `client.runs` reports when we give no token: the health of the credential tells more.
CREDENTIAL_BROKEN = "credential_broken"
WHOSE_MOVE = {"customer": "The customer's", "operator": "Ours", "nobody": "Nobody's"}
# Of a lost run, by the state of its pair.
AFTER_LOSS = dict.fromkeys(("paused", "stopped"), "Ours, to resume it") | {
    "disabled": "Ours, to enable it",
    "blocked": "As the health of its sync says",
}
WAITS = {
    RunWait.PERMIT: "It waits for a permit{}, as the rate limit is used up.",
    RunWait.TARGET: "It waits for the target{}.",
    RunWait.SOURCE: "It waits for the provider{}.",
}
SIDES = {"source": "at the source", "target": "at the target"}


@dataclass(frozen=True)
class ShownState:
    """A state as `components/state.html` draws it."""

    label: str
    tone: str
    icon: str


PAIR_STATES = {
    "running": ShownState("Running", "idle", "arrow-path"),
    "due": ShownState("Due", "idle", "clock"),
    "scheduled": ShownState("Scheduled", "idle", "clock"),
    "retrying": ShownState("Trying again", "warn", "clock"),
    "paused": ShownState("Paused", "idle", "pause"),
    "stopped": ShownState("Stopped", "bad", "exclamation-triangle"),
    "blocked": ShownState("Blocked", "warn", "exclamation-triangle"),
    "disabled": ShownState("Disabled", "idle", "pause"),
}


def pair_state(state: str, failures: int) -> ShownState:
    return PAIR_STATES["retrying" if failures and state in ("due", "scheduled") else state]


def pair_sentence(slot: RunSlot, state: str, reason: str) -> str:
    """Why no run starts, or what comes next."""
    if reason or state == "running":
        return reason
    failed = f"{count_words(slot.failures, 'failure')} in a row. " if slot.failures else ""
    if state == "scheduled":
        return f"{failed}The next run starts by itself." if failed else ""
    waited = clock.now() - slot.due_at
    if waited < OVERDUE:
        return f"{failed}The next engine that asks gets it."
    return (
        f"{failed}No engine has asked for it in {format_duration(waited)}. Start one with an API "
        "key of the scope runs."
    )


def error_sentence(run: Run) -> str:
    """What stopped a run, in one sentence; empty for one that nothing stopped."""
    if run.error:
        return str(run.error["message"])
    if run.status == RunStatus.LOST:
        silence = format_duration(timedelta(seconds=run.lease_s))
        return f"Its worker sent nothing for {silence}. The next run goes on from the last cursor."
    if run.status == RunStatus.CANCELLED and run.cancel_requested_at:
        return "Somebody cancelled it."
    return ""


def whose_move(run: Run) -> str:
    """Who must act for a run that failed: `Ours, at the target`."""
    if run.status == RunStatus.LOST:
        return whose_move_after_loss(run)
    if not run.error or run.status != RunStatus.FAILED:
        return "Nobody's"
    owner, side = run.error["owner"], run.error.get("of", "source")
    if run.error["code"] == CREDENTIAL_BROKEN:
        return "As its credential says"
    if owner == "nobody":
        return "Nobody's: it is tried again"
    return f"{WHOSE_MOVE[owner]}, {SIDES[side]}"


def whose_move_after_loss(run: Run) -> str:
    """Who must let the next run of the pair start."""
    if run.slot is None:
        return "Nobody's: its consumer is gone"
    state, _ = slots.state_of(run.slot, run.sync)
    return AFTER_LOSS.get(state, "Nobody's: the next run goes on")


def waiting_sentence(run: Run) -> str:
    if not run.waiting or not run.is_running():
        return ""
    since = run.waiting_since
    length = f" for {format_duration(clock.now() - since)} now" if since else ""
    return WAITS[RunWait(run.waiting)].format(length)


def deletes_words(method: str) -> str:
    """How rows that were deleted at the source are found."""
    return str(DeleteMethod(method).label)


def collection_sentence(state: CollectionState) -> str:
    """What a person should know of a collection; empty when all is as it should be."""
    if state.deletes_held is not None:
        known = f" of {state.rows_known:,}" if state.rows_known is not None else ""
        return (
            f"A full pass did not find {state.deletes_held:,}{known} rows any more. They are not "
            "deleted until somebody confirms it."
        )
    if state.emptied_from is not None:
        return (
            f"A full pass found no rows, where there were {state.emptied_from:,}. Look whether the "
            "account still shows them, then confirm it."
        )
    if state.swap_from is not None:
        return (
            f"It is read again into generation {state.generation:,}. Readers see generation "
            f"{state.swap_from:,} until that is complete."
        )
    return ""


def duration(run: Run) -> timedelta:
    return (run.ended_at or clock.now()) - run.started_at


def completed_at(entry: dict[str, Any]) -> datetime | None:
    at = entry["completed_at"]
    return datetime.fromisoformat(at) if at else None
