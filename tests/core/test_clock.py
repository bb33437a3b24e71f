"""Processes whose machines' clocks differ: the database's time decides."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from sequin_admin.core import clock, leases
from sequin_admin.core.clock import DatabaseTime
from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.models import Credential
from sequin_admin.health import probe_claims, workers
from sequin_admin.health.models import WorkerProcess
from sequin_admin.notifications import delivery, outbox
from sequin_admin.syncs import catalogue, targets
from sequin_admin.tokens import grants, renewal, renewal_leases
from sequin_admin.tokens.models import Token
from tests.factories import make_credential, make_oauth_app
from tests.notified import make_message
from tests.syncs.conftest import PASSWORD, PLACE

HOUR = timedelta(hours=1)
WRONG = pytest.mark.parametrize("wrong", [HOUR, -HOUR], ids=["ahead", "behind"])
pytestmark = pytest.mark.django_db


@pytest.fixture
def set_machine(monkeypatch):
    """Set this machine's clock wrong, as a process sees it: before, or after it has measured."""
    monkeypatch.setattr(clock, "_offset", timedelta())

    def set_clock(wrong, *, measured):
        class Wrong(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(tz) + wrong

        monkeypatch.setattr(timezone, "datetime", Wrong)
        monkeypatch.setattr(clock, "datetime", Wrong)
        monkeypatch.setattr(clock, "_measured_at", float("-inf"))
        if measured:
            clock.measure(connection)

    return set_clock


@pytest.fixture
def token(organization):
    app = make_oauth_app(organization, "airtable")
    credential = make_credential(organization, "airtable_oauth2", oauth_app=app)
    grants.store_grant(credential, TokenGrant("access", "refresh", expires_in_s=3600))
    return Token.objects.get()


def right_now():
    return datetime.now(UTC)


def seconds_from_now(at):
    return (at - right_now()).total_seconds()


@pytest.mark.postgresql
@WRONG
@pytest.mark.parametrize("measured", [True, False], ids=["measured", "not yet"])
def test_a_lease_is_neither_taken_early_nor_kept_late(token, set_machine, wrong, measured):
    assert renewal_leases.acquire_lease(token)

    set_machine(wrong, measured=measured)
    assert renewal_leases.acquire_lease(Token.objects.get()) is None
    Token.objects.update(lease_until=right_now())
    assert renewal_leases.acquire_lease(Token.objects.get())

    until = Token.objects.get().lease_until
    assert 0 < seconds_from_now(until) <= renewal_leases.LEASE.total_seconds()


@pytest.mark.postgresql
@WRONG
@pytest.mark.parametrize("measured", [True, False], ids=["measured", "not yet"])
def test_the_end_of_a_token_is_stored_by_the_databases_time(token, set_machine, wrong, measured):
    set_machine(wrong, measured=measured)

    grants.store_grant(token.credential, TokenGrant("new", "refresh", expires_in_s=3600))

    stored = Token.objects.get()
    assert 3590 < seconds_from_now(stored.expires_at) <= 3600
    assert 0.6 * 3600 < seconds_from_now(stored.refresh_at) < 0.9 * 3600


@pytest.mark.postgresql
@WRONG
def test_a_token_is_read_as_long_as_it_is_valid(token, set_machine, wrong):
    set_machine(wrong, measured=True)

    assert renewal.get_access_token(token.credential) == "access"


@pytest.mark.postgresql
@WRONG
def test_only_what_is_due_by_the_databases_time_is_claimed(
    token, organization, make_channel, set_machine, wrong
):
    later, past = right_now() + HOUR / 2, right_now() - HOUR / 2
    make_channel()
    outbox.post(organization, make_message())
    targets.create(organization, actor=None, password=PASSWORD, name="DB", **PLACE)
    catalogue.start_refresh(token.credential, actor=None)
    set_machine(wrong, measured=False)

    def set_due(at):
        Token.objects.update(refresh_at=at)
        Credential.objects.update(check_due_at=at)
        organization.deliveries.update(next_try_at=at)
        organization.targets.update(check_due_at=at)

    claims = [
        renewal_leases.claim_due,
        probe_claims.claim_due,
        delivery.claim_due,
        targets.claim_due,
    ]
    set_due(later)
    assert [len(claim(5)) for claim in claims] == [0, 0, 0, 0]
    set_due(past)
    assert [len(claim(5)) for claim in [*claims, catalogue.claim_due]] == [1] * 5
    # Held by now, which a clock that is ahead does not end.
    set_due(past)
    assert [len(claim(5)) for claim in [*claims, catalogue.claim_due]] == [0] * 5


@pytest.mark.postgresql
@WRONG
def test_a_worker_whose_clock_is_wrong_says_so(set_machine, wrong, caplog, client, user):
    set_machine(wrong, measured=False)
    caplog.set_level(logging.WARNING)
    client.force_login(user)

    with workers.WorkerHeartbeat(1, dict):
        note = WorkerProcess.objects.get().clock_note
        page = client.get("/worker/").content.decode()
        with workers.WorkerHeartbeat(1, dict):
            both = client.get("/worker/").content.decode()

    way = "3600 seconds ahead of" if wrong > timedelta() else "3600 seconds behind"
    assert f"Its clock is {way} the database's." in note
    assert way in page
    # As it is for all of them where the database's own clock is wrong.
    assert both.count(way) == 2
    assert "or that of the database where every worker says the same" in note
    assert "clock differs from the database" in caplog.text
    assert abs(seconds_from_now(clock.now())) < 5
    # It is over when the sentence is gone, without a restart.
    set_machine(timedelta(), measured=False)
    with workers.WorkerHeartbeat(1, dict):
        assert "Its clock is" not in client.get("/worker/").content.decode()


@pytest.mark.postgresql
def test_the_offset_is_measured_with_each_connection_but_not_with_each_read(
    token, set_machine, django_assert_num_queries
):
    credential = Credential.objects.get()
    set_machine(HOUR, measured=False)
    clock.on_connected(connection=connection)

    with django_assert_num_queries(1):
        assert renewal.get_access_token(credential) == "access"
    with django_assert_num_queries(0):
        clock.on_connected(connection=connection)


def test_a_clock_that_is_right_is_not_spoken_of(set_machine):
    set_machine(timedelta(), measured=True)

    assert clock.ahead_s() == 0
    assert clock.describe_offset(clock.ahead_s()) == clock.describe_offset(-1.9) == ""


def test_a_frozen_clock_is_what_sql_compares_with(token, monkeypatch):
    later = clock.now() + 5 * HOUR
    monkeypatch.setattr(clock, "now", lambda: later)

    read = Token.objects.annotate(at=DatabaseTime(HOUR, stored=True)).get()

    assert read.at == later + HOUR
    assert Token.objects.filter(expires_at__lte=DatabaseTime()).exists()
    assert not Token.objects.filter(expires_at__lte=DatabaseTime(-10 * HOUR)).exists()


def test_the_databases_time_is_this_machines_on_one_machine(token):
    read = Token.objects.annotate(at=DatabaseTime()).get()

    assert abs(seconds_from_now(read.at)) < 5


def test_an_import_or_a_stale_object_does_not_reset_a_lease(token):
    stale = Token.objects.get()
    lease = renewal_leases.acquire_lease(token)

    stale.scope = "read"
    stale.save()

    stored = Token.objects.get()
    assert (stored.lease_owner, stored.lease_fence) == (lease.token.lease_owner, lease.fence)
    assert (stored.scope, stored.is_leased()) == ("read", True)


def test_a_lease_of_the_same_fence_but_of_another_owner_is_not_mine(token):
    lease = renewal_leases.acquire_lease(token)
    Token.objects.update(lease_owner="another")

    assert not leases.extend(leases.still_mine(lease.token), HOUR)
    assert not leases.release(lease.token)
    assert not renewal_leases.extend_lease(lease)
    assert Token.objects.get().is_leased()


def test_a_superseded_holder_writes_nothing(token):
    lease = renewal_leases.acquire_lease(token)
    leases.revoke(Token.objects.get())

    assert not leases.release(lease.token, scope="read")

    stored = Token.objects.get()
    assert (stored.scope, stored.lease_fence) == ("", lease.fence + 1)
    assert not stored.is_leased()
