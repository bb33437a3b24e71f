"""Rate limits in words, and their warnings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequin_admin.credentials.kinds import Rate
from sequin_admin.limits.models import RateLimit, format_interval, get_rate_limit, set_limit
from tests.factories import make_credential


@pytest.mark.parametrize(
    ("interval", "words"),
    [(1000, "second"), (60_000, "minute"), (20_000, "20 s"), (250, "250 ms"), (3_600_000, "hour")],
)
def test_intervals_read_aloud(interval, words):
    assert format_interval(interval) == words


@given(st.integers(100, 86_400_000))
def test_every_interval_has_words_with_a_unit(interval):
    assert format_interval(interval)[-1].isalpha()


def test_seconds_entered_as_milliseconds_draw_a_warning_and_no_change():
    limit = RateLimit(allowed_requests=100, interval=600)

    assert "Did you mean 600,000 ms?" in limit.doubt()
    assert limit.interval == 600


@pytest.mark.parametrize("numbers", [(20, 1000), (1, 100), (100, 10_000), (50, 500)])
def test_plausible_limits_draw_none(numbers):
    allowed, interval = numbers

    assert RateLimit(allowed_requests=allowed, interval=interval).doubt() == ""


def test_the_default_is_the_kinds_own(organization):
    credential = make_credential(organization, "stripe_key")

    assert get_rate_limit(credential).as_json() == type(credential).rate.model_dump()


def test_setting_the_same_limit_again_is_no_event(organization, user):
    from sequin_admin.audit.models import Event

    credential = make_credential(organization, "stripe_key")
    rate = Rate(allowed_requests=5, interval=1000, max_concurrent_requests=1)

    set_limit(credential, rate, actor=user)
    set_limit(credential, rate, actor=user)

    assert Event.objects.filter(action="rate_limit.changed").count() == 1
