"""The log of changes, computed at any place, agrees with one that is played from its beginning."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequin_admin.simulator.rows.hashing import make_key
from sequin_admin.simulator.rows.log import RowLog
from sequin_admin.simulator.rows.timeline import HISTORY_MS, HOUR_MS, Timeline
from sequin_admin.simulator.rows.wheel import ChangeKind

BORN = 1_790_000_000_000
logs = st.builds(
    RowLog, st.binary(min_size=32, max_size=32), st.integers(0, 150), deletes=st.booleans()
)


def play(log: RowLog, end: int) -> tuple[dict[int, int], set[int]]:
    """Each row's last change, and the rows that are deleted."""
    last, deleted = dict[int, int](), set[int]()
    for position in range(end):
        number, kind = log.subject(position), log.kind(position)
        assert (kind == ChangeKind.CREATE) == (number not in last)
        assert number not in deleted
        last[number] = position
        if kind == ChangeKind.DELETE:
            deleted.add(number)
    return last, deleted


@settings(max_examples=60)
@given(log=logs, beats=st.integers(0, 1500))
def test_what_is_computed_is_what_was_played(log, beats):
    end = log.base + beats

    last, deleted = play(log, end)

    alive = sorted(set(last) - deleted)
    assert list(log.numbers(0, end, end, newest_first=False)) == alive
    assert list(log.numbers(0, end, end, newest_first=True)) == alive[::-1]
    assert log.count(end) == len(alive)
    assert {n: log.state_of(n, end)[0] for n in last} == last
    assert all(log.exists(n, end) == (n in last) for n in range(end))
    assert all(log.is_alive(n, end) == (n not in deleted) for n in last)


@settings(max_examples=60)
@given(log=logs, cuts=st.lists(st.integers(0, 1200), min_size=1, max_size=8))
def test_changes_since_and_deletions_add_up_to_what_exists(log, cuts):
    """For a reader that looks at any moments, in order."""
    known, seen = dict[int, int](), 0
    for end in sorted(cuts):
        for position in log.last_changes(seen, end, newest_first=False):
            known[log.subject(position)] = position
        for position in range(seen, end):
            if log.kind(position) == ChangeKind.DELETE:
                known.pop(log.subject(position), None)
        seen = end

    last, deleted = play(log, seen)
    assert known == {number: at for number, at in last.items() if number not in deleted}


@settings(max_examples=60)
@given(log=logs, beats=st.integers(0, 1500), cut=st.floats(0, 1))
def test_the_newest_changes_go_on_from_any_place(log, beats, cut):
    end = log.base + beats
    stop = int(cut * end)

    last, deleted = play(log, end)

    wanted = [at for number, at in last.items() if number not in deleted and at < stop]
    found = log.last_changes(0, end, stop=stop, newest_first=True)
    assert list(found) == sorted(wanted, reverse=True)


@given(
    base=st.integers(0, 300),
    beats=st.lists(st.tuples(st.integers(0, 3 * HOUR_MS), st.integers(0, 900)), max_size=4),
    moments=st.lists(st.integers(-HISTORY_MS, 4 * HOUR_MS), min_size=2),
)
def test_positions_happen_in_order_and_are_counted_where_they_happen(base, beats, moments):
    spread = sorted((BORN + at, rate) for at, rate in beats)
    timeline = Timeline(make_key("a", 1), base, BORN, spread)

    counts = [timeline.count_until(BORN + at) for at in sorted(moments)]

    assert counts == sorted(counts)
    for at, count in zip(sorted(moments), counts, strict=True):
        assert not count or timeline.time_of(count - 1) <= BORN + at
    times = [timeline.time_of(position) for position in range(counts[-1])]
    assert times == sorted(times)


def test_a_new_rate_changes_nothing_of_what_has_been():
    key = make_key("a", 1)
    before = Timeline(key, 10, BORN, [(BORN, 700)])
    end = before.count_until(BORN + HOUR_MS)

    after = Timeline(key, 10, BORN, [(BORN, 700), (BORN + HOUR_MS, 3)])

    assert [after.time_of(q) for q in range(end)] == [before.time_of(q) for q in range(end)]
    assert after.count_until(BORN + HOUR_MS) == end


@pytest.mark.parametrize("laps", [0, 1, 9])
def test_a_page_of_100000_rows_costs_few_steps(laps):
    """Counted, not timed: how many positions are looked at."""
    log = RowLog(make_key("a", 1), 100_000)
    seen, subject, kind = [], log.subject, log.kind
    log.subject = lambda q: (seen.append(q), subject(q))[1]
    log.kind = lambda q: (seen.append(q), kind(q))[1]
    end = log.base + laps * 160_000

    for walk in (
        log.last_changes(0, end, newest_first=False),
        log.last_changes(0, end, stop=end - 500, newest_first=True),
        log.numbers(0, end, end, newest_first=True),
    ):
        assert len([next(walk) for _ in range(100)]) == 100

    assert len(seen) < 5_000
