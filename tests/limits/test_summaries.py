"""What was used in the last hour and day, summed up for lists; and permits asked for in vain."""

from datetime import timedelta

import pytest

from sequin_admin.core import clock
from sequin_admin.credentials.kinds import Rate
from sequin_admin.limits import limiter, refusals, sampling, summaries
from sequin_admin.limits.models import Sample, SamplePeriod, UsageSummary, set_limit
from sequin_admin.limits.permits import CallOutcome, PermitRefused
from sequin_admin.limits.recorded import start_of
from tests.factories import make_credential


@pytest.fixture
def credential(organization):
    credential = make_credential(organization, "stripe_key")
    rate = Rate(allowed_requests=3, interval=3_600_000, max_concurrent_requests=0)
    set_limit(credential, rate, actor=None)
    return credential


def summary_of(credential) -> UsageSummary:
    return UsageSummary.objects.get(credential=credential)


def refuse(credential, **options):
    with pytest.raises(PermitRefused) as refused:
        limiter.acquire(credential, **options)
    return refused.value


def test_a_share_is_of_the_limit_in_this_time(credential):
    limiter.acquire(credential, n=3)
    sampling.record_samples()

    summary = summary_of(credential)

    assert (summary.hour_granted, summary.day_granted) == (3, 3)
    assert (summary.hour_share, summary.day_share) == (1.0, 3 / 72)
    assert timedelta(minutes=59) < summary.resets_at - clock.now() <= timedelta(hours=1)


def test_a_limit_longer_than_the_time_counts_as_a_whole(credential):
    day = Rate(allowed_requests=10, interval=86_400_000, max_concurrent_requests=0)

    assert summaries.share(9, day, timedelta(hours=1)) == 0.9


def test_what_was_asked_for_in_vain_is_counted_once(credential):
    limiter.acquire(credential, n=3)
    refuse(credential)
    ticket = refuse(credential, wait_ms=5).ticket
    refuse(credential, wait_ms=5, ticket=ticket or "1.0.")
    sampling.record_samples()

    refusals.flush()
    refusals.flush()

    rows = Sample.objects.filter(credential=credential)
    assert {row.span: row.refused for row in rows} == {"minute": 2, "hour": 2}
    assert summary_of(credential).day_refused == 2


def test_sums_fall_when_the_hour_is_over(credential, monkeypatch):
    limiter.acquire(credential, n=2)
    sampling.record_samples()
    later = clock.now() + timedelta(hours=2)
    monkeypatch.setattr(clock, "now", lambda: later)

    assert summaries.refresh_summaries() == 1

    summary = summary_of(credential)
    assert (summary.hour_granted, summary.day_granted) == (0, 2)


def test_every_credential_has_a_row_and_those_in_use_their_sums(credential, organization):
    unused = make_credential(organization, "sendgrid_key")
    at = start_of(clock.now(), SamplePeriod.HOUR)
    Sample.objects.create(credential=credential, span=SamplePeriod.HOUR, at=at, throttled=4)

    sampling.record_samples()

    assert summary_of(credential).day_throttled == 4
    assert summary_of(unused).day_share == 0


@pytest.mark.parametrize("kept_in", ["database", "redis"])
def test_a_reset_is_the_providers_else_the_windows(credential, settings, request, kept_in):
    if kept_in == "redis":
        settings.REDIS_URL = request.getfixturevalue("redis_server").url
    store, hour = limiter.current_store(), 3_600_000_000
    assert store.gauges([credential.pk], [hour]) == [None]

    [lease] = limiter.acquire(credential).leases
    [gauge] = store.gauges([credential.pk], [hour])
    assert hour - 60_000_000 < gauge.resets_in <= hour

    limiter.release(credential, lease, CallOutcome.THROTTLED, retry_after_s=20)
    [gauge] = store.gauges([credential.pk], [hour])
    assert 0 < gauge.resets_in <= 20_000_000
