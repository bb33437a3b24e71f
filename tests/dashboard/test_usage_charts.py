"""Charts of usage: axes, parts of bars, the limit's line, times of the viewer."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from sequin_admin.credentials.kinds import Rate
from sequin_admin.dashboard.charts import HEIGHT, TOP, round_up
from sequin_admin.dashboard.views.usage_charts import build_chart
from sequin_admin.limits.usage import Point

HOUR = timedelta(hours=1)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def chart_of(*points: Point, allowed: int = 100, interval: int = 3_600_000):
    rate = Rate(allowed_requests=allowed, interval=interval, max_concurrent_requests=0)
    padded = [Point(NOON - HOUR)] * (24 - len(points)) + list(points)
    return build_chart("Last 24 hours", padded, rate, HOUR, "H:i")


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 2), (2, 2), (3, 4), (5, 10), (11, 20), (41, 100), (3_001, 4_000)]
)
def test_an_axis_ends_and_halves_at_round_numbers(highest, top):
    assert round_up(highest) == top


def test_a_bar_has_a_part_for_each_fate_and_a_sentence():
    chart = chart_of(Point(NOON, granted=60, refused=20, throttled=10))

    bar = chart.bars[-1]
    heights = {part.kind: part.height / (HEIGHT - TOP) for part in bar.segments}
    assert heights == pytest.approx({"used": 0.5, "throttled": 0.1, "refused": 0.2})
    assert bar.words == "23 Nov, 12:00 UTC: 60 requests, 10 throttled, 20 refused"
    assert [tick.text for tick in chart.ticks] == ["0", "50", "100"]
    assert chart.limit.text == "Limit 100"
    assert chart.limit.at == chart.ticks[-1].at


@pytest.mark.parametrize(
    ("allowed", "interval", "limit", "is_above"),
    [(50, 60_000, 3_000, True), (100, 86_400_000, 100, False), (5_000, 86_400_000, 5_000, True)],
)
def test_a_limit_far_above_the_bars_does_not_flatten_them(allowed, interval, limit, is_above):
    chart = chart_of(Point(NOON, granted=60), allowed=allowed, interval=interval)

    assert chart.limit.text == f"Limit {limit:,}"
    assert chart.limit_is_above == is_above
    assert chart.ticks[-1].text == "100"


@pytest.mark.parametrize(("granted", "stands_above"), [(40, False), (150, True)])
def test_the_text_of_the_limit_lies_on_no_bar(granted, stands_above):
    """On its line, or above all bars where the last ones reach beyond the line."""
    chart = chart_of(Point(NOON, granted=granted, throttled=20))
    line, text = chart.limit.at, chart.limit_text_at

    tops = [part.y for bar in chart.bars for part in bar.segments]
    assert text < min(tops)
    assert (text < line - 10) == stands_above


def test_more_throttled_than_granted_still_fits():
    chart = chart_of(Point(NOON, throttled=3), Point(NOON, granted=1, throttled=9))

    assert [[part.kind for part in bar.segments] for bar in chart.bars[-2:]] == [["throttled"]] * 2
    assert all(part.y >= TOP for bar in chart.bars for part in bar.segments)


def test_times_are_those_of_the_viewer():
    with timezone.override(ZoneInfo("Asia/Kolkata")):
        chart = chart_of(*(Point(NOON + n * HOUR, granted=1) for n in range(-23, 1)))

    assert chart.zone == "IST"
    assert "17:30 IST" in chart.bars[-1].words
    assert [label.text for label in chart.labels] == ["00:30", "06:30", "12:30"]


def test_without_requests_there_is_one_sentence():
    chart = chart_of()

    assert chart.is_empty
    assert chart.summary == "No requests in this time."
