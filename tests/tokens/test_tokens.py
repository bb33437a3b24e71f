"""Token renewal at the simulated Airtable, whose refresh tokens work once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from sequin_admin.core import clock
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.tokens import (
    attempts,
    failures,
    grants,
    lifetimes,
    renewal,
    renewal_leases,
)
from sequin_admin.tokens.models import Token
from tests.due_work import refresh_due

PAUL = "usrziLeD23j9AJ1"


@pytest.fixture
def credential(make_app, connect):
    return connect(make_app("airtable"), PAUL).credential


def refreshes(simulated):
    """Calls to the token endpoint since the code exchange."""
    return [call for call in simulated.calls("airtable") if "token" in call["endpoint"]][1:]


def expire(credential):
    past = clock.now() - timedelta(seconds=1)
    Token.objects.filter(credential=credential).update(expires_at=past, refresh_at=past)


def test_a_living_token_is_read_without_a_call(credential, simulated):
    before = renewal.get_access_token(credential)

    assert renewal.get_access_token(credential) == before
    assert refreshes(simulated) == []


def test_reading_a_living_token_writes_nothing(credential, django_assert_num_queries):
    with django_assert_num_queries(1):
        renewal.get_access_token(credential)


def test_an_expired_token_is_renewed_and_both_tokens_are_kept(credential, simulated):
    before = renewal.get_access_token(credential)
    spent = credential.secrets["refresh_token"]
    expire(credential)

    after = renewal.get_access_token(credential)

    stored = Credential.objects.get(pk=credential.pk)
    assert after != before
    assert stored.secrets["refresh_token"] != spent
    assert len(refreshes(simulated)) == 1


def test_many_renewals_in_a_row_never_reuse_a_spent_refresh_token(credential, simulated):
    for _ in range(5):
        expire(credential)
        renewal.get_access_token(Credential.objects.get(pk=credential.pk))

    assert [call["status"] for call in refreshes(simulated)] == [200] * 5


def test_a_stale_object_does_not_spend_its_old_refresh_token(credential, simulated):
    stale = Credential.objects.get(pk=credential.pk)
    assert stale.secrets["refresh_token"]
    expire(credential)
    renewal.get_access_token(credential)
    expire(credential)

    renewal.get_access_token(stale)

    assert [call["status"] for call in refreshes(simulated)] == [200, 200]


@pytest.mark.django_db(transaction=True)
def test_concurrent_readers_cause_one_renewal(credential, simulated):
    expire(credential)

    def read(_: int) -> str:
        try:
            return renewal.get_access_token(Credential.objects.get(pk=credential.pk))
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        read_tokens = set(pool.map(read, range(12)))

    assert len(read_tokens) == 1
    assert len(refreshes(simulated)) == 1


def test_a_token_somebody_else_renewed_is_not_renewed_again(credential, simulated):
    refused = renewal.get_access_token(credential)
    renewal.refresh(credential, refused=refused)

    renewal.refresh(credential, refused=refused)

    assert len(refreshes(simulated)) == 1


def test_a_revoked_grant_is_the_customers_and_is_left_alone_for_a_day(credential, simulated):
    simulated.act("airtable", PAUL, "revoke")
    expire(credential)

    for _ in range(3):
        with pytest.raises(Refused) as refusal:
            renewal.get_access_token(credential)
        assert refusal.value.outcome.verdict is Verdict.CUSTOMER

    token = Token.objects.get(pk=credential.pk)
    assert len(refreshes(simulated)) == 1
    assert token.next_try_at - clock.now() > timedelta(hours=23)


def test_a_renewal_that_a_worker_is_refused_is_checked_at_once(credential, simulated):
    Credential.objects.update(check_due_at=clock.now() + timedelta(hours=1))
    simulated.act("airtable", PAUL, "revoke")
    expire(credential)

    refresh_due()

    assert Credential.objects.check_due().get().pk == credential.pk


def test_an_outage_keeps_the_refresh_token_and_backs_off(credential, simulated):
    spent = credential.secrets["refresh_token"]
    simulated.act("airtable", PAUL, "outage")
    expire(credential)

    with pytest.raises(Refused) as refusal:
        renewal.get_access_token(credential)

    assert refusal.value.outcome.verdict is Verdict.TRANSIENT
    assert Credential.objects.get(pk=credential.pk).secrets["refresh_token"] == spent
    assert Token.objects.get(pk=credential.pk).failures == 1


def test_a_lost_answer_is_told_as_such_where_the_provider_does_not_repeat_it(credential, simulated):
    simulated.act("airtable", PAUL, "lost_response")
    expire(credential)
    with pytest.raises(Refused) as first:
        renewal.get_access_token(credential)
    assert first.value.outcome.verdict is Verdict.TRANSIENT

    with pytest.raises(Refused) as second:
        renewal.get_access_token(credential, force=True)

    assert second.value.outcome.verdict is Verdict.CUSTOMER
    assert second.value.outcome.code == "answer_lost"


def test_a_worker_that_died_holding_the_lease_is_replaced_when_it_ends(credential, monkeypatch):
    expire(credential)
    seen = Token.objects.get(pk=credential.pk)
    assert renewal_leases.acquire_lease(seen)
    assert renewal_leases.acquire_lease(Token.objects.get(pk=credential.pk)) is None

    later = clock.now() + renewal_leases.LEASE
    monkeypatch.setattr(clock, "now", lambda: later)

    assert renewal_leases.acquire_lease(Token.objects.get(pk=credential.pk))


def test_the_lease_is_not_given_to_who_looked_before_somebody_else_had_it(credential):
    expire(credential)
    seen = Token.objects.get(pk=credential.pk)
    renewal.get_access_token(credential)

    assert renewal_leases.acquire_lease(seen) is None


def test_an_answer_that_comes_after_the_lease_was_lost_is_not_written(credential, monkeypatch):
    expire(credential)
    slow = renewal_leases.acquire_lease(Token.objects.get(pk=credential.pk))
    later = clock.now() + renewal_leases.LEASE
    monkeypatch.setattr(clock, "now", lambda: later)
    newer = renewal_leases.acquire_lease(Token.objects.get(pk=credential.pk))
    grant = attempts.request_grant(credential, newer)
    stored = grants.store_grant(credential, grant, lease=newer)

    with pytest.raises(Refused, match="took this over"):
        grants.store_grant(credential, grant, lease=slow)

    assert renewal.stored_access_token(Token.objects.get(pk=credential.pk)) == stored


def test_a_new_grant_is_not_spent_by_who_leased_the_old_one(credential, simulated):
    """The customer reconnected between a worker's lease and its call."""
    expire(credential)
    lease = renewal_leases.acquire_lease(Token.objects.get(pk=credential.pk))
    grant = TokenGrant("new-access", "new-refresh", expires_in_s=3600)
    grants.store_grant(credential, grant)

    with pytest.raises(Refused, match="took this over"):
        attempts.renew_with_lease(lease)

    assert refreshes(simulated) == []
    assert Credential.objects.get().secrets["refresh_token"] == "new-refresh"


def test_the_worker_renews_ahead_of_expiry(credential, simulated):
    Token.objects.filter(credential=credential).update(refresh_at=clock.now())

    assert refresh_due() == 1
    assert refresh_due() == 0
    assert len(refreshes(simulated)) == 1


def test_disabled_credentials_are_not_renewed(credential, simulated):
    Token.objects.filter(credential=credential).update(refresh_at=clock.now())
    Credential.objects.filter(pk=credential.pk).update(disabled_at=clock.now())

    assert refresh_due() == 0


@given(life=st.integers(60, 90_000))
def test_a_token_is_renewed_before_its_margin_begins(life):
    now = clock.now()
    ends = now + timedelta(seconds=life)
    token = Token(issued_at=now, expires_at=ends)

    at = lifetimes.compute_refresh_at(now, ends)

    assert now < at < ends
    if life >= 600:
        assert (ends - at).total_seconds() > lifetimes.margin_s(token)


@given(in_a_row=st.integers(1, 100), wish=st.none() | st.floats(0, 3600))
def test_back_off_is_bounded_and_respects_the_provider(in_a_row, wish):
    outcome = outcomes.transient("throttled", "Slow down.", retry_after_s=wish)

    seconds = failures.retry_delay(outcome, in_a_row).total_seconds()

    assert (wish or 0) - 1e-6 <= seconds <= max(failures.BACKOFF_S[1], wish or 0) + 1e-6
