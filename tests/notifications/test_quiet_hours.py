"""Quiet hours in local time."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequin_admin.notifications.quiet_hours import MINUTE, DailyQuietHours

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]
times = st.times().map(lambda t: t.replace(second=0, microsecond=0))
hours = st.builds(DailyQuietHours, times, times, st.sampled_from(ZONES).map(ZoneInfo))
# Around European and American changes of daylight saving time, and any other days.
moments = st.datetimes(datetime(2026, 3, 1), datetime(2026, 11, 30), timezones=st.just(UTC))


def wall(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "over"),
    [
        ("2026-11-23T21:59", "2026-11-23T21:59"),
        ("2026-11-23T22:00", "2026-11-24T07:00"),
        ("2026-11-24T00:30", "2026-11-24T07:00"),
        ("2026-11-24T06:59:59", "2026-11-24T07:00"),
        ("2026-11-24T07:00", "2026-11-24T07:00"),
        # The nights of 23 and of 25 hours.
        ("2026-03-28T23:00", "2026-03-29T07:00"),
        ("2026-10-24T23:00", "2026-10-25T07:00"),
    ],
)
def test_they_end_in_the_morning_also_across_midnight(at, over):
    assert DailyQuietHours(time(22), time(7), BERLIN).end_after(wall(at)) == wall(over)


def test_an_end_that_the_clock_jumps_over_is_where_it_lands():
    """On 29 March 2026 Berlin's clocks change from 02:00 to 03:00."""
    over = DailyQuietHours(time(22), time(2, 30), BERLIN).end_after(wall("2026-03-29T01:00"))

    assert over == wall("2026-03-29T03:00")


def test_equal_times_are_no_quiet_hours():
    assert not DailyQuietHours(time(7), time(7), BERLIN).contains(wall("2026-11-24T07:00"))


@given(hours, moments)
def test_whoever_waits_until_they_are_over_waits_no_longer_than_that(hours, moment):
    over = hours.end_after(moment)

    assert not hours.contains(over)
    assert moment <= over
    assert over - moment < timedelta(hours=49)
    assert over == moment or hours.contains(over - MINUTE) or over - MINUTE < moment


@given(hours, moments)
def test_inside_and_outside_make_up_the_day(hours, moment):
    other = DailyQuietHours(hours.ends, hours.starts, hours.zone)

    if hours.starts != hours.ends:
        assert hours.contains(moment) != other.contains(moment)
