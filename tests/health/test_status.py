"""The pure functions that compute a status."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.health.status import (
    FLAP_WINDOW,
    GRACE_PERIOD,
    LONG_AGO,
    Reason,
    Status,
    Streak,
    next_status,
    roll_up,
    worst,
)

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANY_STATUS = st.sampled_from(["", *Status])
SEEN = [Verdict.OK, Verdict.CUSTOMER, Verdict.OPERATOR, Verdict.TRANSIENT]


def after(before, verdict, *, troubled_for=timedelta(), grace_start=LONG_AGO):
    streak = Streak(verdict, START, 1)
    return next_status(before, streak, at=START + troubled_for, grace_start=grace_start)


def told(verdicts, every):
    """The status after each of the results, which are `every` apart."""
    status, streak, at, statuses = "", Streak(), START, []
    for verdict in verdicts:
        streak = streak.after(verdict, at)
        status = next_status(status, streak, at=at, grace_start=LONG_AGO)
        statuses.append(status)
        at += every
    return statuses


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (Verdict.OK, Status.HEALTHY),
        (Verdict.CUSTOMER, Status.CUSTOMER),
        (Verdict.OPERATOR, Status.SEQUIN),
    ],
)
@pytest.mark.parametrize("before", ["", *Status])
def test_a_clear_verdict_decides_whatever_was_before(before, verdict, status):
    assert after(before, verdict) == status


@given(before=ANY_STATUS, seconds=st.integers(0, int(GRACE_PERIOD.total_seconds()) - 1))
def test_a_transient_fault_never_changes_the_status_within_patience(before, seconds):
    assert after(before, Verdict.TRANSIENT, troubled_for=timedelta(seconds=seconds)) == before


@given(before=ANY_STATUS)
def test_a_transient_fault_that_lasts_is_ours(before):
    assert after(before, Verdict.TRANSIENT, troubled_for=GRACE_PERIOD) == Status.SEQUIN


@given(before=ANY_STATUS, seconds=st.integers(0, 1_000_000))
def test_patience_does_not_run_while_the_provider_is_down(before, seconds):
    lasting = timedelta(seconds=seconds)

    still = after(before, Verdict.TRANSIENT, troubled_for=lasting, grace_start=START + lasting)

    assert still == before


@given(st.lists(st.sampled_from(SEEN), max_size=40), st.integers(1, 900))
def test_a_good_check_makes_nothing_worse(verdicts, seconds):
    statuses = told([*verdicts, Verdict.OK], timedelta(seconds=seconds))

    assert statuses[-1] in (Status.HEALTHY, *statuses[-2:-1])


@given(st.integers(1, 3500), st.sampled_from([Verdict.CUSTOMER, Verdict.OPERATOR]))
def test_success_and_failure_by_turns_do_not_make_it_flap(seconds, verdict):
    statuses = told([Verdict.OK, verdict] * 30, timedelta(seconds=seconds))

    changes = sum(one != two for one, two in pairwise(statuses))
    assert changes <= 3


@given(st.integers(1, 1799))
def test_success_and_transient_faults_by_turns_stay_healthy(seconds):
    statuses = told([Verdict.OK, Verdict.TRANSIENT] * 30, timedelta(seconds=seconds))

    assert set(statuses) == {Status.HEALTHY}


def test_after_trouble_by_turns_three_good_checks_in_a_row_are_believed():
    turns = [Verdict.OK, Verdict.CUSTOMER] * 3

    statuses = told([*turns, *[Verdict.OK] * 3], timedelta(minutes=5))

    assert statuses[-3:] == [Status.CUSTOMER, Status.CUSTOMER, Status.HEALTHY]


def test_what_fails_again_after_an_hour_is_steady():
    statuses = told([Verdict.OK, Verdict.CUSTOMER] * 4, FLAP_WINDOW)

    assert statuses == [Status.HEALTHY, Status.CUSTOMER] * 4


reasons = st.builds(
    Reason,
    status=st.sampled_from([Status.CUSTOMER, Status.SEQUIN]),
    entity=st.sampled_from(["credential", "oauth_app", "target"]),
    id=st.integers(0, 3).map(lambda number: UUID(int=number)),
    name=st.just("it"),
    since=st.integers(0, 3).map(lambda minutes: START + timedelta(minutes=minutes)),
    sentence=st.just("It broke."),
    code=st.sampled_from(["a", "b"]),
)


@given(st.lists(reasons).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_the_order_of_reasons_does_not_matter(both):
    one, other = both

    assert roll_up(one, known=True) == roll_up(other, known=True)


@given(st.lists(reasons, min_size=1))
def test_the_worst_reason_wins(some):
    status, winner = roll_up(some, known=True)

    assert status == worst(reason.status for reason in some)
    assert winner in some


def test_a_healthy_world_is_healthy_and_an_unknown_one_is_not_known():
    assert roll_up([], known=True) == (Status.HEALTHY, None)
    assert roll_up([], known=False) == ("", None)


@given(st.lists(st.sampled_from(list(Status))))
def test_the_worst_does_not_depend_on_the_order(statuses):
    assert worst(statuses) == worst(sorted(statuses))


@given(st.lists(st.sampled_from(list(Status)), min_size=1))
def test_the_worst_is_healthy_only_when_all_are(statuses):
    assert (worst(statuses) is Status.HEALTHY) == (set(statuses) == {Status.HEALTHY})


@pytest.mark.parametrize("status", list(Status))
def test_a_status_has_words_tone_and_icon(status):
    assert status.label
    assert status.tone
    assert status.icon
