"""Leases of tokens: claimed in batches within the refresh throttle, and renewed during a call."""

from datetime import timedelta

import pytest

from sequin_admin.core import clock
from sequin_admin.credentials.kinds import RefreshPace
from sequin_admin.credentials.models import Credential
from sequin_admin.tokens import attempts, failures, lifetimes, renewal, renewal_leases
from sequin_admin.tokens.models import Token
from sequin_admin.tokens.throttle import SECOND
from tests.factories import make_credential, make_oauth_app
from tests.patience import PATIENCE_S


@pytest.fixture
def due(organization):
    """Make due tokens of an Airtable app, the first one due the longest."""

    def make(count, app=None, **columns):
        app = app or make_oauth_app(organization, "airtable")
        ago = timedelta(hours=1)
        for number in range(count):
            row = make_credential(
                organization, "airtable_oauth2", oauth_app=app, identity=f"{app.pk} {number}"
            )
            at = clock.now() - ago + timedelta(seconds=number)
            Token.objects.create(credential=row, **{"refresh_at": at, **columns})
        return list(Token.objects.filter(credential__oauth_app=app).order_by("refresh_at"))

    return make


@pytest.fixture
def move_clock(monkeypatch):
    """Set the clock to the start of the test plus some time."""
    began = clock.now()

    def move(gap):
        monkeypatch.setattr(clock, "now", lambda: began + gap)

    return move


def claimed(room):
    return [lease.token.pk for lease in renewal_leases.claim_due(room)]


def test_as_many_are_claimed_as_there_is_room_for_oldest_first(due):
    rows = due(5)

    assert claimed(3) == [row.pk for row in rows[:3]]
    assert claimed(3) == [row.pk for row in rows[3:]]
    assert claimed(0) == []


def test_a_claim_is_a_lease_with_its_attempt_journalled(due, move_clock):
    due(1)
    move_clock(timedelta())

    (lease,) = renewal_leases.claim_due(1)

    row = Token.objects.get()
    assert (row.lease_fence, row.lease_until) == (lease.fence, clock.now() + renewal_leases.LEASE)
    assert row.journal == [{"fence": 1, "at": clock.now().isoformat()}]


@pytest.mark.parametrize(
    "columns",
    [
        {"next_try_at": clock.now() + timedelta(hours=1)},
        {"lease_until": clock.now() + timedelta(hours=1)},
        {"refresh_at": clock.now() + timedelta(hours=1)},
        {"refresh_at": None},
    ],
    ids=["backs off", "held", "not due", "not renewed ahead"],
)
def test_what_must_wait_is_not_claimed(due, columns):
    due(1, **columns)

    assert claimed(1) == []


def test_an_app_at_its_pace_does_not_hold_up_the_others(due, organization, monkeypatch):
    monkeypatch.setattr(Credential, "refresh_pace", RefreshPace(per_app=2, per_provider=50))
    many = due(6)
    app = make_oauth_app(organization, "airtable", name="Other")
    other = due(1, app, refresh_at=clock.now())

    started = claimed(6) + claimed(6)

    assert set(started) == {*(row.pk for row in many[:2]), other[0].pk}


def test_all_apps_together_stay_below_the_providers_pace(due, organization, monkeypatch):
    monkeypatch.setattr(Credential, "refresh_pace", RefreshPace(per_app=2, per_provider=3))
    for name in "abc":
        due(2, make_oauth_app(organization, "airtable", name=name))

    started = claimed(2) + claimed(2) + claimed(2)

    assert len(started) == 3


def test_a_second_later_the_pace_allows_more(due, move_clock, monkeypatch):
    monkeypatch.setattr(Credential, "refresh_pace", RefreshPace(per_app=2))
    due(4)
    move_clock(timedelta())
    assert len(claimed(4)) == 2
    assert claimed(4) == []

    move_clock(SECOND)

    assert len(claimed(4)) == 2


def test_what_a_reader_renews_counts_but_is_never_held_up(due, monkeypatch):
    monkeypatch.setattr(Credential, "refresh_pace", RefreshPace(per_app=1))
    rows = due(3)

    assert renewal_leases.acquire_lease(rows[0])
    assert renewal_leases.acquire_lease(rows[1])

    assert claimed(1) == []


def test_who_saw_the_row_during_an_attempt_that_failed_looks_again(due):
    """Otherwise its journal would lose how that attempt ended."""
    (row,) = due(1)
    lease = renewal_leases.acquire_lease(row)
    seen = Token.objects.get()
    failures.record_failure(lease, row.credential.cannot_renew())

    assert renewal_leases.acquire_lease(seen) is None
    assert Token.objects.get().journal[-1]["code"] == "not_accepted"


def test_a_failed_token_stands_at_the_back_of_the_queue(due):
    (row,) = due(1)

    failures.record_failure(renewal_leases.acquire_lease(row), row.credential.cannot_renew())

    stored = Token.objects.get()
    assert stored.refresh_at == stored.next_try_at > clock.now()


def test_a_lease_is_extended_while_its_call_goes_on(due, move_clock):
    (row,) = due(1)
    move_clock(timedelta())
    lease = renewal_leases.acquire_lease(row)
    move_clock(timedelta(seconds=renewal_leases.HEARTBEAT_S))

    assert renewal_leases.extend_lease(lease)

    assert Token.objects.get().lease_until == clock.now() + renewal_leases.LEASE


def test_a_lease_that_is_over_is_not_extended(due, move_clock):
    (row,) = due(1)
    lease = renewal_leases.acquire_lease(row)
    Token.objects.update(lease_until=None)
    assert not renewal_leases.extend_lease(lease)

    newer = renewal_leases.acquire_lease(Token.objects.get())
    assert not renewal_leases.extend_lease(lease)
    assert renewal_leases.extend_lease(newer)


def test_a_call_that_hangs_loses_its_lease(due, move_clock):
    (row,) = due(1)
    lease = renewal_leases.acquire_lease(row)
    move_clock(renewal_leases.LONGEST + SECOND)

    assert not renewal_leases.extend_lease(lease)


@pytest.mark.django_db(transaction=True)
def test_the_keeper_extends_what_is_held_and_then_ends(due, monkeypatch):
    (row,) = due(1)
    monkeypatch.setattr(renewal_leases, "HEARTBEAT_S", 0.01)
    lease = renewal_leases.acquire_lease(row)
    taken_until = Token.objects.get().lease_until

    with renewal_leases.held(lease):
        thread = renewal_leases.heartbeat.thread
        while Token.objects.get().lease_until == taken_until:
            assert thread.is_alive()
    thread.join(PATIENCE_S)

    assert not thread.is_alive()
    assert not renewal_leases.heartbeat.held


def test_tokens_issued_together_are_not_due_together():
    """10,000 tokens valid for an hour: no minute renews more than a sixth of them."""
    now = clock.now()
    issued = [now + timedelta(seconds=60 * n / 10_000) for n in range(10_000)]

    at = [lifetimes.compute_refresh_at(t, t + timedelta(hours=1)) for t in issued]

    minutes = [int((t - now).total_seconds() // 60) for t in at if t]
    busiest = max(minutes.count(minute) for minute in set(minutes))
    assert busiest < 10_000 / 6


def test_a_lease_that_stood_in_line_until_another_had_it_is_not_used(due, move_clock, monkeypatch):
    (row,) = due(1)
    (waiting,) = renewal_leases.claim_due(1)
    move_clock(renewal_leases.LEASE + timedelta(seconds=5))
    assert renewal_leases.acquire_lease(Token.objects.get(pk=row.pk))
    monkeypatch.setattr(attempts, "renew_with_lease", lambda lease: pytest.fail("It was called."))

    assert not renewal.renew_claimed(waiting)


def test_a_lease_that_stood_in_line_is_extended_before_it_is_used(due, move_clock):
    (row,) = due(1)
    (waiting,) = renewal_leases.claim_due(1)
    move_clock(renewal_leases.LEASE / 2)

    assert renewal_leases.confirm_lease(waiting)
    assert Token.objects.get(pk=row.pk).lease_until == clock.now() + renewal_leases.LEASE
