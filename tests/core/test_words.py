"""Times and lengths of time in words, and random delays."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequin_admin.core import words
from sequin_admin.core.jitter import jittered

AT = datetime.fromisoformat("2026-11-03T14:05:59+00:00")
HOURS = {"h": 3600, "min": 60}


def test_a_time_is_as_long_as_its_place_allows():
    assert words.format_time(AT) == "3 November 2026, 14:05 UTC"
    assert words.format_short_time(AT) == "3 Nov 2026, 14:05 UTC"
    assert words.format_day(AT) == "3 November 2026"
    assert words.format_exact_time(AT) == "3 Nov 2026, 14:05:59 UTC"
    assert words.format_recent_time(AT) == "3 Nov, 14:05 UTC"


@pytest.mark.parametrize(
    ("seconds", "units", "said"),
    [
        (0, words.SECONDS, "1 s"),
        (59.6, words.SECONDS, "1 min"),
        (24_000, words.SECONDS, "6 h 40 min"),
        (86_400 + 59, words.SECONDS, "1 d"),
        (0, HOURS, "1 min"),
        (89, HOURS, "1 min"),
        (7500, HOURS, "2 h 5 min"),
        (3600 * 49, HOURS, "49 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds, units, said):
    assert words.format_duration(timedelta(seconds=seconds), units) == said


@given(st.floats(0, 1e9))
def test_every_duration_has_words(seconds):
    assert words.format_duration(timedelta(seconds=seconds))[0].isdigit()


@given(st.integers(1, 10**6), st.floats(0.1, 1), st.floats(1, 2))
def test_a_random_delay_keeps_its_bounds(seconds, least, most):
    delay = timedelta(seconds=seconds)

    assert delay * least <= jittered(delay, least, most) <= delay * most
