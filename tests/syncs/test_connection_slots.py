"""Tests of targets at the same time: none of an organization keeps the others waiting."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from sequin_admin.access.models import Organization
from sequin_admin.core import clock, leases
from sequin_admin.credentials import outcomes
from sequin_admin.syncs import connection_slots, postgres, targets
from sequin_admin.syncs.connection_slots import TestsBusy, WaitingRoom
from sequin_admin.syncs.models import Target
from tests.patience import PATIENCE_S
from tests.syncs.conftest import PASSWORD, PLACE


@pytest.fixture
def other(db):
    return Organization.objects.create(name="Caladan", slug="caladan")


def make_targets(organization, count):
    columns = {"actor": None, "password": PASSWORD, **PLACE}
    return [targets.create(organization, name=f"DB {n}", **columns) for n in range(count)]


def test_a_target_is_tested_by_one_at_a_time(target):
    with (
        connection_slots.slot(target, wait_s=0),
        pytest.raises(TestsBusy, match="Try again"),
        connection_slots.slot(target, wait_s=0),
    ):
        pass
    with connection_slots.slot(target, wait_s=0):
        assert Target.objects.get().waits_for_test()


def test_an_organization_has_two_tests_and_the_others_have_theirs(organization, other):
    first, second, third = make_targets(organization, 3)
    (theirs,) = make_targets(other, 1)

    assert connection_slots.take_slot(first)
    assert connection_slots.take_slot(second)
    assert not connection_slots.take_slot(third)
    assert connection_slots.take_slot(theirs)


def test_a_caller_waits_for_a_slot_within_bounds(organization, monkeypatch):
    first, second, third = make_targets(organization, 3)
    assert connection_slots.take_slot(first)
    assert connection_slots.take_slot(second)
    naps = []

    def end_the_first(seconds):
        naps.append(seconds)
        if len(naps) == 3:
            leases.release(first)

    monkeypatch.setattr(connection_slots.time, "sleep", end_the_first)

    with connection_slots.slot(third, wait_s=5):
        assert len(naps) == 3


def test_a_slot_outlives_its_test_when_the_process_is_killed(target):
    assert connection_slots.take_slot(target)

    longest = timedelta(seconds=postgres.DEADLINE_S + postgres.START_S)
    assert Target.objects.get().lease_until - clock.now() > longest
    Target.objects.update(lease_until=clock.now())
    assert connection_slots.take_slot(target)


def test_a_slot_that_has_ended_is_not_given_back_twice(target):
    """Its target may be under test again, by another process."""
    assert connection_slots.take_slot(target)
    Target.objects.update(lease_until=clock.now())
    assert connection_slots.take_slot(Target.objects.get())

    assert not leases.release(target)

    assert Target.objects.get().is_leased()


def test_a_failed_test_gives_its_slot_back(target, monkeypatch):
    def fail(tried):
        raise OSError("no process can be started")

    monkeypatch.setattr(postgres, "check_connection", fail)

    with pytest.raises(OSError, match="no process"):
        targets.verify(target, actor=None)

    assert Target.objects.get().lease_until is None


def test_many_due_targets_keep_no_other_organization_waiting(organization, other):
    make_targets(organization, 9)
    (theirs,) = make_targets(other, 1)

    claimed = targets.claim_due(5)

    assert len(claimed) == 3
    assert theirs in claimed
    assert list(targets.claim_due(5)) == []


def test_a_claimed_target_is_free_after_its_test(organization, monkeypatch):
    make_targets(organization, 3)
    monkeypatch.setattr(postgres, "check_connection", lambda target: outcomes.works())

    for target in targets.claim_due(5):
        targets.verify_claimed(target)

    assert not Target.objects.exclude(lease_until=None).exists()
    assert len(targets.claim_due(5)) == 1


def test_the_room_is_bounded_in_all_and_for_each_organization():
    room, entered = WaitingRoom(3), []
    many, few, none = (Organization(name=name) for name in ("Many", "Few", "None"))

    def is_let_in(organization):
        guest = room.enter(organization)
        try:
            guest.__enter__()
        except TestsBusy:
            return False
        entered.append(guest)
        return True

    assert [is_let_in(many) for _ in range(3)] == [True, True, False]
    assert [is_let_in(few), is_let_in(none)] == [True, False]
    entered[0].__exit__(None, None, None)
    assert is_let_in(none)


@pytest.mark.django_db(transaction=True)
def test_of_twenty_at_once_two_are_tested(organization, in_threads):
    rows = make_targets(organization, 5)
    start = threading.Barrier(20)

    def take(number):
        start.wait(PATIENCE_S)
        return connection_slots.take_slot(rows[number % 5])

    taken = [until for until in in_threads(take, 20) if until]

    assert len(taken) == 2
    assert Target.objects.exclude(lease_until=None).count() == 2


@pytest.fixture
def in_threads():
    """Call a function with the numbers up to a count, each in a thread; returns the results."""

    def run(work, count):
        results = [None] * count

        def call(number):
            try:
                results[number] = work(number)
            finally:
                connection.close()

        threads = [threading.Thread(target=call, args=[n]) for n in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
        return results

    return run
