"""Usage: sampled once a minute, never counted twice, deleted after a while."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequin_admin.core import clock
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.limits import limiter, sampling, usage
from sequin_admin.limits.models import (
    RateLimit,
    Sample,
    SamplePeriod,
    set_limit,
    set_limits,
)
from sequin_admin.limits.permits import CallOutcome
from tests.factories import make_credential


@pytest.fixture(params=["database", "redis"])
def store(request, settings):
    if request.param == "redis":
        settings.REDIS_URL = request.getfixturevalue("redis_server").url


@pytest.fixture
def credential(organization, store):
    credential = make_credential(organization, "stripe_key")
    return limit(credential, 50, 60_000)


def limit(credential, allowed, interval, at_once=0):
    rate = Rate(allowed_requests=allowed, interval=interval, max_concurrent_requests=at_once)
    set_limit(credential, rate, actor=None)
    return credential


def test_the_gauge_shows_what_goes_on(credential):
    limit(credential, 3, 60_000, at_once=2)
    limiter.acquire(credential)
    [lease] = limiter.acquire(credential).leases
    with pytest.raises(limiter.PermitRefused):
        limiter.acquire(credential, wait_ms=1)

    gauge = usage.gauge_of(credential)
    assert (gauge.used, gauge.under_way, gauge.granted) == (2, 2, 2)
    assert (gauge.waiting, gauge.paused_for) == (1, 0)

    limiter.release(credential, lease, CallOutcome.THROTTLED, retry_after_s=20)
    gauge = usage.gauge_of(credential)
    assert (gauge.under_way, gauge.throttled) == (1, 1)
    assert 15_000_000 < gauge.paused_for <= 20_000_000


def test_the_gauge_of_an_unused_credential_is_empty(organization, store):
    gauge = usage.gauge_of(make_credential(organization, "stripe_key"))

    assert (gauge.used, gauge.under_way, gauge.waiting) == (0, 0, 0)


def test_the_gauge_counts_in_blocks_never_too_little(credential):
    limit(credential, 50_000, 60_000)
    limiter.acquire(credential, n=120)

    assert usage.gauge_of(credential).used == 120


def test_samples_add_up_and_nothing_is_counted_twice(credential):
    limiter.acquire(credential, n=3)
    assert sampling.record_samples() == 1
    limiter.acquire(credential, n=4)
    sampling.record_samples()
    sampling.record_samples()

    hour = Sample.objects.get(span=SamplePeriod.HOUR)
    assert hour.granted == 7
    assert sum(row.granted for row in Sample.objects.filter(span=SamplePeriod.MINUTE)) == 7


def test_of_two_workers_that_sample_at_once_one_counts(credential):
    limiter.acquire(credential, n=3)
    first, second = [list(Credential.objects.select_related("usage_cursor")) for _ in range(2)]

    assert sampling.record_sample_batch(first) == 1
    assert sampling.record_sample_batch(second) == 0
    assert Sample.objects.get(span=SamplePeriod.HOUR).granted == 3


def test_a_counter_that_began_anew_is_no_loss():
    assert sampling.counter_growth(1000, 7) == 7


def test_old_samples_are_forgotten(credential):
    for span, age in (
        (SamplePeriod.MINUTE, 2),
        (SamplePeriod.MINUTE, 4),
        (SamplePeriod.HOUR, 24),
        (SamplePeriod.HOUR, 24 * 9),
    ):
        at = clock.now() - timedelta(hours=age)
        Sample.objects.create(credential=credential, span=span, at=at)

    assert sampling.prune() == 2


def test_history_has_a_point_for_every_hour(credential):
    limiter.acquire(credential, n=3)
    sampling.record_samples()

    hours = usage.history(credential, 168)
    week = usage.sum_points(hours, 4)

    assert (len(hours), len(week)) == (168, 42)
    assert sum(p.granted for p in hours) == sum(p.granted for p in week) == hours[-1].granted == 3
    assert [p.at for p in week] == [p.at for p in hours[::4]]


def test_who_uses_over_80_percent_runs_hot(credential, organization):
    """50 per minute are 500 in ten minutes."""
    cool = limit(make_credential(organization, "sendgrid_key"), 50, 60_000)
    for row, granted in ((credential, 400), (cool, 399)):
        at = usage.start_of(clock.now(), SamplePeriod.MINUTE)
        Sample.objects.create(credential=row, span=SamplePeriod.MINUTE, at=at, granted=granted)

    with CaptureQueriesContext(connection) as queries:
        [hot] = usage.running_near_limit(organization)

    assert (hot.credential, hot.percent) == (credential, 80)
    assert len(queries) == 2


def test_a_daily_limit_is_judged_by_the_day(credential, organization):
    limit(credential, 1000, 86_400_000)
    at = usage.start_of(clock.now() - timedelta(hours=20), SamplePeriod.HOUR)
    Sample.objects.create(credential=credential, span=SamplePeriod.HOUR, at=at, granted=900)

    assert [hot.percent for hot in usage.running_near_limit(organization)] == [90]


def test_strangers_heat_is_not_ours(credential, stranger):
    at = usage.start_of(clock.now(), SamplePeriod.MINUTE)
    Sample.objects.create(credential=credential, span=SamplePeriod.MINUTE, at=at, granted=500)

    assert usage.running_near_limit(stranger.memberships.get().organization) == []


@pytest.mark.parametrize(
    ("records", "per_call", "rate", "words"),
    [
        (1_200_000, 100, (30, 60_000), "6 h 40 min"),
        (100, 100, (10, 1000), "1 s"),
        (5_000_000, 1, (1, 1000), "57 d 20 h"),
        (3600, 1, (1, 1000), "1 h"),
        (90, 1, (1, 1000), "1 min 30 s"),
    ],
)
def test_the_planner_says_how_long(records, per_call, rate, words):
    rate = Rate(allowed_requests=rate[0], interval=rate[1], max_concurrent_requests=0)

    assert usage.plan_text(records, per_call, rate).endswith(f" about {words}.")


@pytest.mark.parametrize(
    ("numbers", "pace"),
    [
        ((100, 10_000), "10 per second"),
        ((50, 20_000), "2.5 per second"),
        ((1, 60_000), "1 per minute"),
        ((5000, 3_600_000), "1.389 per second"),
    ],
)
def test_limits_read_as_rates(numbers, pace):
    assert RateLimit(allowed_requests=numbers[0], interval=numbers[1]).pace() == pace


def test_many_get_the_same_limit_at_once(organization, user, store):
    rows = [make_credential(organization, kind) for kind in ("stripe_key", "sendgrid_key")]
    rate = Rate(allowed_requests=9, interval=1000, max_concurrent_requests=0)

    assert set_limits(rows, rate, actor=user) == 2

    assert set(RateLimit.objects.values_list("allowed_requests", flat=True)) == {9}
