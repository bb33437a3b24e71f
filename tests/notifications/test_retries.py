"""Retries: for a day, with growing delays."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sequin_admin.notifications.retries import DELAYS, RETRY_FOR, delay_after, next_attempt_at

NOON = datetime.fromisoformat("2026-11-23T12:00:00+00:00")


@given(st.lists(st.floats(0.8, 1.2), min_size=100, max_size=100))
def test_it_is_given_up_within_a_day_after_a_dozen_tries_or_more(factors):
    tries, now = 0, NOON
    for factor in factors:
        tries += 1
        following = next_attempt_at(delay_after(tries) * factor, NOON, now)
        if following is None:
            break
        assert now < following <= NOON + RETRY_FOR
        now = following

    assert 11 <= tries <= 18


@given(st.integers(1, 20), st.floats(0, 1e300))
def test_a_receiver_may_ask_for_a_pause_but_not_for_ever(attempts, asked):
    at = next_attempt_at(delay_after(attempts), NOON, NOON, retry_after_s=asked)

    assert at is not None
    assert at - NOON >= timedelta(seconds=min(asked, DELAYS[-1].total_seconds())) * 0.99
    assert at - NOON <= DELAYS[-1]
