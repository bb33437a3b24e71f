"""What runs say of the health of a sync and its consumer."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequin_admin.core import clock
from sequin_admin.health.models import Cause, Check, Incident
from sequin_admin.syncs import reports, syncs
from sequin_admin.syncs.models import CollectionState, Consumer, Run, RunSlot, Sync, Target
from sequin_admin.syncs.runs import lateness, run_health, run_operations
from tests.syncs.runs.conftest import COLLECTION, MINUTE


def status():
    return Sync.objects.get().health_status


def note():
    return Sync.objects.get().health_note


def late_at(minutes):
    with clock.at(clock.now() + minutes * MINUTE):
        lateness.record_lateness()
    return status()


def test_a_fault_of_the_source_is_the_syncs(engine, sync):
    engine.fail(owner="customer", message="Stripe refuses the key.")

    assert (status(), Consumer.objects.get().health_status) == ("customer_intervention", "")
    assert note() == "Stripe refuses the key. The customer must act."


def test_a_fault_of_the_target_is_the_consumers_and_makes_its_test_due(engine, sync):
    Target.objects.update(check_due_at=None)

    engine.fail(of="target", message="The disk is full.")

    consumer = Consumer.objects.get()
    assert consumer.health_status == status() == "sequin_intervention"
    assert "The disk is full." in consumer.health_note
    assert note().startswith("Blocked by the consumer")
    assert not Check.objects.filter(entity="sync").exists()
    assert Target.objects.get().check_due_at
    engine.run_once()
    assert (status(), Consumer.objects.get().health_status) == ("healthy", "healthy")


def test_what_nobody_can_mend_is_a_note_at_first(engine, sync):
    engine.run_once()

    engine.fail(owner="nobody", code="try_later", message="Stripe is away.")

    assert (status(), note()) == (
        "healthy",
        "Stripe is away. Nothing to do: we try again by ourselves.",
    )


def test_it_stops_after_faults_in_a_row_and_a_person_lets_it_run_again(engine, sync):
    for _ in range(5):
        engine.fail(message="Column x is too short.")
        RunSlot.objects.update(due_at=clock.now())

    slot = RunSlot.objects.get()
    assert slot.stopped_at
    assert "Column x is too short." in slot.stop_sentence
    assert "We must act." in slot.stop_sentence
    assert engine.claim() is None
    assert "resume the sync" in note()
    run_operations.resume(sync, actor=None)
    assert engine.claim()


def test_failures_that_nobody_can_mend_never_stop_it(engine, sync):
    for _ in range(12):
        engine.fail(owner="nobody")

    slot = RunSlot.objects.get()
    assert (slot.failures, slot.faults, slot.stopped_at) == (12, 0, None)


def test_new_secrets_let_it_run_again(engine, sync):
    for _ in range(5):
        engine.fail(owner="customer")
    RunSlot.objects.update(due_at=clock.now())
    type(sync.credential)._base_manager.update(secrets_changed_at=clock.now())

    assert engine.claim()


def test_a_sync_is_late_after_twice_its_frequency(engine, sync):
    engine.run_once()

    assert late_at(29) == "healthy"
    assert late_at(31) == "sequin_intervention"
    assert note().startswith("It runs every 15 minutes, but no run has succeeded since")
    assert Incident.objects.get().code == "late"
    engine.run_once()
    assert status() == "healthy"


def test_many_that_are_late_cost_the_statements_of_one(sync, django_assert_max_num_queries):
    """And so do those that no longer are. All are one cause."""
    reports.record_report(sync)
    with CaptureQueriesContext(connection) as of_one:
        assert late_at(31) == "sequin_intervention"
    more = {"actor": None, "sync_frequency": "15m"}
    for number in range(20):
        reports.record_report(syncs.create(sync.credential, name=f"N{number}", **more))

    with django_assert_max_num_queries(len(of_one)), clock.at(clock.now() + 31 * MINUTE):
        lateness.record_lateness()

    assert Check.objects.filter(check_name="late", status="sequin_intervention").count() == 21
    assert Cause.objects.get().open_incidents == 21
    Sync.objects.update(last_succeeded_at=clock.now())
    with django_assert_max_num_queries(len(of_one)):
        lateness.record_lateness()
    assert not Incident.objects.open().exists()
    assert set(Sync.objects.values_list("health_status", flat=True)) == {"healthy"}


def test_who_succeeds_while_lateness_is_recorded_is_not_late(sync, monkeypatch):
    reports.record_report(sync)

    def locked(rows):
        reports.record_report(sync)
        return rows

    monkeypatch.setattr(lateness, "locked_in_order", locked)

    with clock.at(clock.now() + 31 * MINUTE):
        lateness.record_lateness()

    assert not Incident.objects.exists()


def test_continuous_counts_as_five_minutes(engine, sync):
    Sync.objects.update(sync_frequency="continuous")
    engine.run_once()

    assert late_at(9) == "healthy"
    assert late_at(11) == "sequin_intervention"


def test_a_sync_that_only_reports_is_late_as_well(sync):
    reports.record_report(sync)

    assert late_at(31) == "sequin_intervention"
    reports.record_report(sync)
    assert status() == "healthy"


def test_what_has_never_run_is_paused_or_disabled_is_not_late(engine, sync):
    assert late_at(31) == ""
    engine.run_once()
    run_operations.pause(sync, actor=None)
    assert late_at(31) == "healthy"
    run_operations.resume(sync, actor=None)
    assert late_at(29) == "healthy"
    Sync.objects.update(disabled_at=clock.now())
    assert late_at(31) == "healthy"


def test_a_pause_ends_being_late(engine, sync):
    engine.run_once()
    assert late_at(31) == "sequin_intervention"

    run_operations.pause(sync, actor=None)

    assert late_at(31) == "healthy"


def test_a_long_run_that_moves_is_not_late(engine, sync):
    engine.run_once()
    RunSlot.objects.update(due_at=clock.now())
    run = engine.claim()
    with clock.at(clock.now() + 25 * MINUTE):
        engine.tell(run, rows_read=10)

    assert late_at(31) == "healthy"
    assert late_at(56) == "sequin_intervention"


def test_a_sync_is_not_late_while_something_else_says_why(engine, sync):
    engine.run_once()
    engine.fail(owner="customer")

    assert late_at(31) == "customer_intervention"


def test_one_that_is_blocked_has_time_once_it_works_again(engine, sync):
    engine.run_once()
    rows = type(sync.credential)._base_manager.all()
    rows.update(health_status="customer_intervention", health_since=clock.now())
    assert late_at(31) == "healthy"
    rows.update(health_status="healthy", health_since=clock.now() + 30 * MINUTE)

    assert late_at(31) == "healthy"
    assert late_at(61) == "sequin_intervention"


def test_a_full_pass_without_rows_where_there_were_many_is_told(engine, sync):
    engine.run_once(full_pass=True, rows_seen=12)

    engine.run_once(full_pass=True, rows_seen=0)

    assert status() == "sequin_intervention"
    assert note().startswith(f"A full pass of {COLLECTION} found no rows, where there were 12")
    engine.run_once(full_pass=True, rows_seen=11)
    assert status() == "healthy"


def test_of_few_rows_none_may_be_left(engine, sync):
    engine.run_once(full_pass=True, rows_seen=9)
    engine.run_once(full_pass=True, rows_seen=0)

    assert status() == "healthy"


@pytest.mark.parametrize(("seen", "held"), [(70, False), (69, True), (0, True)])
def test_a_sweep_of_more_than_30_percent_waits_for_a_person(engine, sync, seen, held):
    engine.run_once(full_pass=True, rows_seen=100, deletes="sweep")
    RunSlot.objects.update(due_at=clock.now())
    run = engine.claim()

    asked = engine.tell(run, full_pass=True, rows_seen=seen, deletes="sweep")

    assert asked == (["hold_deletes"] if held else [])
    assert status() == ("sequin_intervention" if held else "healthy")


def test_what_the_worker_would_delete_counts_more_than_what_it_has_seen(engine, sync):
    engine.run_once(full_pass=True, rows_seen=100, deletes="sweep")
    RunSlot.objects.update(due_at=clock.now())
    run = engine.claim()

    # As many were added as are gone.
    asked = engine.tell(run, full_pass=True, rows_seen=100, rows_to_delete=50, deletes="sweep")

    assert asked == ["hold_deletes"]


def test_a_sweep_of_what_came_since_a_small_pass_is_held(engine, sync):
    engine.run_once(full_pass=True, rows_seen=8, deletes="sweep")
    engine.run_once(rows_read=10_000)
    RunSlot.objects.update(due_at=clock.now())
    run = engine.claim()

    asked = engine.tell(run, full_pass=True, rows_seen=8, rows_to_delete=10_000, deletes="sweep")

    assert asked == ["hold_deletes"]


def test_confirmed_deletes_are_done_by_the_next_full_pass_alone(engine, sync):
    engine.run_once(full_pass=True, rows_seen=100, deletes="sweep")
    engine.run_once(full_pass=True, rows_seen=10, deletes="sweep")
    assert "90 of 100 rows" in note()

    run_operations.confirm_deletes(sync, actor=None)
    run_health.record_findings(sync)

    assert status() == "healthy"
    engine.run_once(full_pass=True, rows_seen=10, deletes="sweep")
    state = CollectionState.objects.get()
    assert (state.rows_known, state.deletes_held, state.deletes_confirmed_at) == (10, None, None)
    engine.run_once(full_pass=True, rows_seen=2, deletes="sweep")
    assert status() == "sequin_intervention"


def test_held_deletes_end_when_the_rows_are_back(engine, sync):
    engine.run_once(full_pass=True, rows_seen=100, deletes="sweep")
    engine.run_once(full_pass=True, rows_seen=10, deletes="sweep")

    engine.run_once(full_pass=True, rows_seen=99, deletes="sweep")

    assert status() == "healthy"


def test_lag_is_told_once_the_first_backfill_is_done(engine, sync):
    run = engine.claim()
    engine.tell(run, lag_s=9_000)
    assert note() == ""

    engine.tell(run, lag_s=9_000, status="succeeded", completed=True)
    engine.run_once(lag_s=9_000)

    assert note().startswith("Its rows are 2 h 30 min behind the source")
    engine.run_once(lag_s=10)
    assert note() == ""
    assert Run.objects.count() == 3
