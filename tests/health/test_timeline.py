"""Health history as slots, and uptime figures."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequin_admin.health import history, timeline
from sequin_admin.health.status import Status

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
END = START + 24 * HOUR


@dataclass
class Change:
    at: datetime
    before: str
    after: str


def changes(*pairs):
    """`(hours after the start, status)`, oldest first."""
    befores = ["", *(status for _, status in pairs)]
    return [
        Change(START + hours * HOUR, before, status)
        for (hours, status), before in zip(pairs, befores, strict=False)
    ]


histories = st.lists(
    st.tuples(st.integers(-30, 30), st.sampled_from(list(Status))), max_size=12
).map(lambda pairs: changes(*sorted(pairs, key=lambda pair: pair[0])))


@given(histories)
def test_the_spans_cover_the_whole_time_without_a_gap(some):
    parts = timeline.spans(some, START, END)

    assert (parts[0].start, parts[-1].end) == (START, END)
    assert all(one.end == two.start for one, two in pairwise(parts))


@given(histories)
def test_every_slot_is_full_and_no_time_is_lost(some):
    parts = timeline.spans(some, START, END)

    slots = timeline.slots(parts, START, HOUR, 24)

    assert all(sum(slot.seconds.values()) == pytest.approx(3600) for slot in slots)


def test_a_slot_shows_the_worst_that_was_in_it():
    parts = timeline.spans(
        changes((-1, "healthy"), (2, "sequin_intervention"), (3, "healthy")), START, END
    )

    first, second = timeline.slots(parts, START, 12 * HOUR, 2)

    assert first.status == "sequin_intervention"
    assert first.seconds["sequin_intervention"] == 3600
    assert second.status == "healthy"


def test_uptime_counts_only_what_is_known():
    parts = timeline.spans(changes((12, "healthy"), (18, "customer_intervention")), START, END)

    assert timeline.uptime(parts) == 0.5


def test_of_what_nothing_is_known_there_is_no_figure():
    assert timeline.uptime(timeline.spans([], START, END)) is None


def test_the_running_day_is_the_last_slot():
    at = datetime(2026, 11, 23, 12, 34, tzinfo=UTC)

    assert history.next_boundary(at, timedelta(days=1)) == datetime(2026, 11, 24, tzinfo=UTC)
    assert history.next_boundary(at, 30 * timedelta(minutes=1)) == datetime(
        2026, 11, 23, 13, tzinfo=UTC
    )
