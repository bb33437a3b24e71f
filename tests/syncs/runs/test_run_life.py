"""State machine test of a pair: its cursor moves by the holder's reports alone, in any order."""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from sequin_admin.core import clock
from sequin_admin.syncs import consumers, targets
from sequin_admin.syncs.models import CollectionState, Run, RunSlot, RunStatus, Sync
from sequin_admin.syncs.runs import lost_runs, run_operations
from sequin_admin.syncs.runs.run_reports import RunOver
from tests.syncs.runs.conftest import COLLECTION

LEASE_S = 60
ANY = st.integers(0, 1000)


def life_of(engine):
    class Life(RuleBasedStateMachine):
        """Workers that claim, report late, vanish, and what people ask meanwhile."""

        def __init__(self):
            super().__init__()
            self.kept = transaction.atomic()
            self.kept.__enter__()
            self.now = clock.now()
            # Each run that was claimed, by its fence, and the one that may report.
            self.runs, self.holder = [], None
            self.cursor, self.generation, self.number = None, 1, 0

        def teardown(self):
            transaction.set_rollback(True)
            self.kept.__exit__(None, None, None)

        def held(self):
            slot = RunSlot.objects.first()
            return slot is not None and slot.lease_until is not None

        @rule(after_s=st.sampled_from([0, 1, 30, 61, 900]))
        def time_passes(self, after_s):
            self.now += timedelta(seconds=after_s)

        @rule()
        def claim(self):
            with clock.at(self.now):
                run = engine.claim(lease_s=LEASE_S)
            if run:
                assert all(run.fence > before.fence for before in self.runs)
                assert self.holder is None or not self.holder_is_alive()
                run.begun = run.collections[0]["generation"]
                self.runs.append(run)
                self.holder, self.ends_at = run, self.now + timedelta(seconds=LEASE_S)
            elif not self.held():
                # It was lost, and the next one waits.
                self.holder = None

        def holder_is_alive(self):
            return self.now < self.ends_at

        @rule()
        def the_job_looks(self):
            with clock.at(self.now):
                lost_runs.end_lost_runs()
            if self.holder and not self.holder_is_alive():
                self.holder = None

        @rule(which=ANY, fence=ANY, status=st.sampled_from(["running", "succeeded", "failed"]))
        def report(self, which, fence, status):
            """Any run that ever was reports, with any fence that ever was."""
            if not self.runs:
                return
            run = self.runs[which % len(self.runs)]
            fence = self.runs[fence % len(self.runs)].fence
            self.number += 1
            is_holder = run is self.holder and fence == run.fence
            try:
                with clock.at(self.now), transaction.atomic():
                    engine.tell(run, status=status, fence=fence, cursor=self.number)
            except RunOver:
                assert not is_holder
                return
            assert is_holder
            self.ends_at = self.now + timedelta(seconds=LEASE_S)
            if run.begun == self.generation:
                self.cursor = self.number
            if status != "running":
                self.holder = None

        @rule()
        def somebody_reads_it_again(self):
            state = CollectionState.objects.first()
            with clock.at(self.now):
                run_operations.resync(Sync.objects.get(), COLLECTION, actor=None)
            if state:
                self.generation, self.cursor = state.generation + 1, None

        @invariant()
        def the_cursor_is_the_holders(self):
            state = CollectionState.objects.first()
            assert (state.cursor if state else None) == self.cursor

        @invariant()
        def one_run_at_most_is_under_way(self):
            running = list(Run.objects.filter(status=RunStatus.RUNNING))
            assert len(running) <= 1
            assert bool(running) == self.held()

    return Life


@pytest.mark.parametrize("lives", [15, pytest.param(100, marks=pytest.mark.faults)])
def test_the_life_of_a_pair(engine, synced, lives):
    run_state_machine_as_test(
        life_of(engine),
        settings=settings(
            max_examples=lives,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_into_another_target_everything_is_read_again(engine, synced, organization):
    consumer = synced[2]
    place = {"host": "lake.arrakis.test", "port": 5432, "database": "lake", "username": "sequin"}
    other = targets.create(organization, actor=None, name="Lake", password="0123456789", **place)
    engine.run_once(cursor=7)
    RunSlot.objects.update(due_at=clock.now())
    run = engine.claim()

    consumers.update(consumer, actor=None, target=other)

    with pytest.raises(RunOver, match="has ended as cancelled"):
        engine.tell(run, cursor=8)
    again, state = engine.claim(), CollectionState.objects.get()
    assert (again.target, again.fence) == (other, run.fence + 2)
    assert (state.cursor, state.generation, state.swap_from) == (None, 2, 1)


@pytest.mark.parametrize(
    "place",
    [
        {"host": "lake.arrakis.test", "password": "0123456789"},
        {"port": 6432, "password": "0123456789"},
        {"database": "lake"},
        {"schema": "lake"},
    ],
    ids=lambda place: next(iter(place)),
)
@pytest.mark.parametrize("moved", [False, True], ids=["empty", "moved"])
def test_in_another_place_a_target_gets_everything_unless_its_rows_moved(
    engine, synced, place, moved
):
    engine.run_once(cursor=7)
    RunSlot.objects.update(due_at=clock.now())
    run = engine.claim()

    targets.update(synced[1], actor=None, rows_moved=moved, **place)

    state = CollectionState.objects.get()
    if moved:
        engine.tell(run, cursor=8)
        assert (state.cursor, state.generation) == (7, 1)
    else:
        with pytest.raises(RunOver, match="has ended as cancelled"):
            engine.tell(run, cursor=8)
        assert (state.cursor, state.generation, state.swap_from) == (None, 2, 1)
        assert engine.claim().fence == run.fence + 2


@pytest.mark.parametrize(
    "change",
    [{"name": "Lake"}, {"password": "another-password-1"}, {"host": "DB.ARRAKIS.TEST"}],
    ids=lambda change: next(iter(change)),
)
def test_what_leaves_a_target_where_it_is_lets_a_run_go_on(engine, synced, change):
    engine.run_once(cursor=7)
    RunSlot.objects.update(due_at=clock.now())
    run = engine.claim()

    targets.update(synced[1], actor=None, **change)

    engine.tell(run, cursor=8)
    assert CollectionState.objects.get().cursor == 8


def test_with_the_same_target_a_run_goes_on(engine, synced):
    _, target, consumer = synced
    engine.run_once(cursor=7)
    RunSlot.objects.update(due_at=clock.now())
    run = engine.claim()

    consumers.update(consumer, actor=None, target=target, name="Renamed")

    engine.tell(run, cursor=8)
    assert CollectionState.objects.get().cursor == 8


def test_with_its_consumer_a_run_ends(engine, synced):
    run = engine.claim()

    consumers.delete(synced[2], actor=None)

    with pytest.raises(RunOver, match="has ended as cancelled"):
        engine.tell(run, cursor=8)
    ended = Run.objects.get()
    assert (ended.status, ended.held_until, ended.slot) == (RunStatus.CANCELLED, None, None)
    assert ended.ended_at is not None


def lose(engine, **told):
    """A claimed run whose worker vanishes; None when none is due."""
    run = engine.claim()
    if run and told:
        engine.tell(run, **told)
    RunSlot.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    return run


@pytest.mark.parametrize("job_looks", [True, False])
def test_a_run_whose_workers_vanish_again_and_again_waits(engine, synced, job_looks):
    """One that kills its worker must not keep all others from their work."""
    assert lose(engine)
    assert lose(engine)
    if job_looks:
        lost_runs.end_lost_runs()

    assert engine.claim() is None
    slot = RunSlot.objects.get()
    assert (slot.failures, slot.lease_until) == (2, None)
    assert slot.due_at > clock.now()
    assert set(Run.objects.values_list("status", flat=True)) == {RunStatus.LOST}
    RunSlot.objects.update(due_at=clock.now())
    assert engine.claim()


def test_a_run_that_told_something_before_it_was_lost_goes_on_at_once(engine, synced):
    assert lose(engine)
    assert lose(engine, cursor=1)
    assert lose(engine)

    assert engine.claim()
