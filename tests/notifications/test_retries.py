"""Retries: for a day, with growing delays."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sequin_admin.notifications.retries import DELAYS, RETRY_FOR, next_attempt_at

NOON = datetime.fromisoformat("2026-11-23T12:00:00+00:00")
spreads = st.floats(0, 1)


@given(st.lists(spreads, min_size=100, max_size=100))
def test_it_is_given_up_within_a_day_after_a_dozen_tries_or_more(spreads):
    tries, now = 0, NOON
    for spread in spreads:
        tries += 1
        following = next_attempt_at(tries, NOON, now, spread=spread)
        if following is None:
            break
        assert now < following <= NOON + RETRY_FOR
        now = following

    assert 11 <= tries <= 18


@given(st.integers(1, 1000), spreads)
def test_pauses_are_spread_by_a_fifth(attempts, spread):
    planned = DELAYS[min(attempts, len(DELAYS)) - 1]
    at = next_attempt_at(attempts, NOON, NOON, spread=spread)

    assert planned * 0.79 <= at - NOON <= planned * 1.21


@given(st.integers(1, 20), st.floats(0, 1e300))
def test_a_receiver_may_ask_for_a_pause_but_not_for_ever(attempts, asked):
    at = next_attempt_at(attempts, NOON, NOON, spread=0, retry_after_s=asked)

    assert at is not None
    assert at - NOON >= timedelta(seconds=min(asked, DELAYS[-1].total_seconds())) * 0.99
    assert at - NOON <= DELAYS[-1]
