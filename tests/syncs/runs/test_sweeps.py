"""Deletes that wait for a person: of sweeps, and of swaps into a new generation."""

import pytest

from sequin_admin.core import clock
from sequin_admin.syncs.models import CollectionState, RunSlot
from sequin_admin.syncs.runs import run_operations
from tests.syncs.runs.conftest import COLLECTION

HELD = ["hold_deletes"]


@pytest.fixture
def begin(engine):
    """A run of a collection of which a full pass has seen so many rows."""

    def begin(rows=100, **sent):
        engine.run_once(full_pass=True, rows_seen=rows, **sent)
        RunSlot.objects.update(due_at=clock.now())
        return engine.claim()

    return begin


def test_a_sweep_that_reads_only_changes_is_held_too(engine, begin):
    """It lists all keys, and reads on from its cursor."""
    run = begin(deletes="sweep")

    asked = engine.tell(run, deletes="sweep", full_pass=False, rows_seen=60, rows_to_delete=40)

    assert asked == HELD
    assert CollectionState.objects.get().deletes_held == 40


def test_its_end_tells_how_many_rows_there_are(engine, begin):
    run = begin(deletes="sweep")

    engine.tell(run, deletes="sweep", full_pass=False, rows_seen=90, rows_to_delete=10)
    engine.tell(run, deletes="sweep", full_pass=False, completed=True, status="succeeded")

    state = CollectionState.objects.get()
    assert (state.rows_known, state.rows_seen) == (90, None)


def test_what_was_seen_said_again_does_not_undo_what_is_held(engine, begin):
    run = begin(deletes="sweep")
    engine.tell(run, deletes="sweep", full_pass=True, rows_seen=100, rows_to_delete=50)

    sent = {"deletes": "sweep", "full_pass": True, "rows_seen": 100}
    engine.tell(run, **sent, completed=True, status="succeeded")

    assert CollectionState.objects.get().deletes_held == 50


@pytest.mark.parametrize("deletes", ["feed", "archived_list", "sweep", "none"])
def test_a_new_generation_that_lacks_many_rows_waits_for_a_person(engine, begin, sync, deletes):
    begin_to_read_again(engine, begin(deletes=deletes), sync)
    run, told = engine.claim(), {"deletes": deletes, "rows_seen": 60, "rows_to_delete": 40}

    asked = engine.tell(run, generation=2, **told)
    run_operations.confirm_deletes(sync, actor=None)
    confirmed = engine.tell(run, generation=2, **told)
    engine.tell(run, generation=2, deletes=deletes, completed=True, status="succeeded")

    assert (asked, confirmed) == (HELD, [])
    state = CollectionState.objects.get()
    # What was confirmed is done, and the next time somebody is asked again.
    assert (state.rows_known, state.deletes_confirmed_at, state.swap_from) == (60, None, None)


def test_a_new_generation_without_rows_where_there_were_many_is_told(engine, begin, sync):
    begin_to_read_again(engine, begin(), sync)

    engine.run_once(full_pass=True, rows_seen=0, generation=2)

    assert CollectionState.objects.get().emptied_from == 100


def begin_to_read_again(engine, run, sync):
    engine.report(run, status="succeeded")
    run_operations.resync(sync, COLLECTION, actor=None)
