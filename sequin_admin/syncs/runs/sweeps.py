"""Full passes: a sweep or a swap that would delete much waits for a person, and a pass that found
nothing where there was much is told. Pure but for the columns of the state."""

from sequin_admin.core import clock
from sequin_admin.syncs.models import CollectionState, DeleteMethod

# Of fewer rows any share may go.
LEAST_ROWS = 10
MOST_SHARE = 0.3


def judge_full_pass(
    state: CollectionState, seen: int | None, doomed: int | None, completed: bool
) -> None:
    """Set what is held and what is known of a collection after a report of a full pass."""
    is_sweep = doomed is not None or (seen is not None and state.deletes == DeleteMethod.SWEEP)
    # Said again, what a pass has seen does not undo what its deletes would have been.
    is_again = doomed is None and seen == state.rows_seen and state.deletes_held is not None
    if seen is not None:
        state.rows_seen = seen
    if is_sweep and not is_again:
        judge_deletes(state, seen, doomed)
    if completed:
        conclude_pass(state)
        state.rows_seen = None


def conclude_pass(state: CollectionState) -> None:
    """What was known stays while deletes are held or nothing was found, to be compared with the
    next pass."""
    seen, known = state.rows_seen, state.rows_known
    if seen is None or state.deletes_held is not None:
        return
    if seen == 0 and (known or 0) >= LEAST_ROWS and state.deletes_confirmed_at is None:
        state.emptied_from = known
        return
    state.rows_known, state.emptied_from, state.deletes_confirmed_at = seen, None, None


def judge_deletes(state: CollectionState, seen: int | None, doomed: int | None) -> None:
    """Hold deletes that are too many, unless a person confirmed them."""
    before = rows_before(state, seen, doomed)
    gone = doomed if doomed is not None else max(0, before - (seen or 0))
    is_large = before >= LEAST_ROWS and gone > MOST_SHARE * before
    held = is_large and state.deletes_confirmed_at is None
    state.deletes_held = gone if held else None


def rows_before(state: CollectionState, seen: int | None, doomed: int | None) -> int:
    """How many rows there were before the pass: as known, or else those seen and those missing.

    Many may have come since a pass that found few.
    """
    known, counted = state.rows_known or 0, (seen or 0) + (doomed or 0)
    return known if known >= LEAST_ROWS else max(known, counted)


def confirm(state: CollectionState) -> None:
    """Let the next full pass delete, and believe one that finds nothing."""
    state.deletes_held, state.emptied_from = None, None
    state.deletes_confirmed_at = clock.now()
