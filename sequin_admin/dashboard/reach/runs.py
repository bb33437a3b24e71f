"""What is asked of runs reaches."""

from sequin_admin.core.words import count_words
from sequin_admin.dashboard.reach.model import Reach
from sequin_admin.syncs.models import CollectionState, Run, Sync

CURSORS = "What was written, and where each collection was: the next run goes on from there."


def reach_of_pausing(sync: Sync) -> Reach:
    running = sync.runs.running().count()
    return Reach(
        stops=(
            "No run starts until somebody resumes it.",
            f"{count_words(running, 'run')} under way: it ends at its next report."
            if running == 1
            else f"{count_words(running, 'run')} under way: they end at their next reports."
            if running
            else None,
        ),
        stays=(CURSORS, "Its status: a paused sync is never late."),
    )


def reach_of_cancelling(run: Run) -> Reach:
    where = f" for {run.consumer}" if run.consumer else ""
    return Reach(
        stops=(f"The run of {run.sync}{where} ends at its next report.",),
        stays=(CURSORS, "The sync: its next run starts in its time. Pause it to have none start."),
    )


def reach_of_resync(sync: Sync, collection_id: str) -> Reach:
    states_of = CollectionState.objects.filter(slot__sync=sync, collection_id=collection_id)
    rows = sum(states_of.values_list("rows_read", flat=True))
    read = f" So far {count_words(rows, 'row')} were read." if rows else ""
    return Reach(
        title="What is read again",
        stops=(f"All of {collection_id}, from its beginning.{read}",),
        stays=(
            "What readers see of it, until the new generation is complete: then the two are "
            "swapped in one transaction. Where more than 30 % of the rows would go, somebody must "
            "confirm it first.",
            "The other collections, which go on from their cursors.",
        ),
    )


def reach_of_confirming(held: list[CollectionState]) -> Reach:
    return Reach(
        title="What is deleted",
        stops=tuple(held_words(state) for state in held),
        stays=("Rows that the source still shows.", "The other collections."),
    )


def held_words(state: CollectionState) -> str:
    where = f"{state.collection_id} in {state.slot.consumer.target}"
    if state.deletes_held is not None:
        rows = count_words(state.deletes_held, "row")
        return f"About {rows} of {where}: the next full pass deletes what it does not find."
    rows = count_words(state.emptied_from or 0, "row")
    return f"All of the {rows} of {where}, where the next full pass finds none again."
