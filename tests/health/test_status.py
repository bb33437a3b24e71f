"""The pure rules of status."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.health.status import PATIENCE, Status, next_status, worst

SHORT, LONG = timedelta(0), PATIENCE
ANY_STATUS = st.sampled_from(["", *Status])


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
    assert next_status(before, verdict, troubled_for=SHORT) == status


@given(before=ANY_STATUS, seconds=st.integers(0, int(PATIENCE.total_seconds()) - 1))
def test_a_transient_fault_never_changes_the_status_within_patience(before, seconds):
    after = next_status(before, Verdict.TRANSIENT, troubled_for=timedelta(seconds=seconds))

    assert after == before


@given(before=ANY_STATUS)
def test_a_transient_fault_that_lasts_is_ours(before):
    assert next_status(before, Verdict.TRANSIENT, troubled_for=LONG) == Status.SEQUIN


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
