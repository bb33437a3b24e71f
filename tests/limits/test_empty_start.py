"""A Redis that has lost its content: how long nothing is granted, and what counts afterwards."""

import uuid
from datetime import timedelta

import pytest

from sequin_admin.core import clock
from sequin_admin.credentials.kinds import Rate
from sequin_admin.limits import limiter
from sequin_admin.limits.models import Sample, SamplePeriod, set_limit
from sequin_admin.limits.permits import PermitRefused
from sequin_admin.limits.requests import MS, LimiterRequest
from sequin_admin.limits.stores.redis import PARTS, RedisStore, keys_of, marker_of
from sequin_admin.limits.window import Limit
from tests.factories import make_credential
from tests.redis_server import RedisServer

MINUTE = 60_000 * MS
HALF_HOUR = Rate(allowed_requests=30, interval=1_800_000, max_concurrent_requests=0)


@pytest.fixture
def server():
    with RedisServer() as server:
        yield server


@pytest.fixture
def credential(organization):
    credential = make_credential(organization, "stripe_key")
    set_limit(credential, HALF_HOUR, actor=None)
    return credential


def pass_quietly(server, minutes):
    """As if the store had been found empty so many minutes ago."""
    with server.client() as client:
        for part in range(PARTS):
            name = marker_of(f"{{{part}}}")
            client.set(name, int(client.get(name)) - minutes * MINUTE)


def test_nothing_is_granted_for_a_lease_and_an_interval(server):
    store, key = RedisStore(server.url), uuid.uuid4()
    ask = LimiterRequest(Limit(5, 10_000 * MS), lease=30_000 * MS)

    answers = [store.acquire(each, ask) for each in (key, uuid.uuid4())]

    for answer in answers:
        assert answer.quiet
        assert 10_000 * MS < answer.retry_in <= 40_100 * MS
    pass_quietly(server, 1)
    assert store.acquire(key, ask).leases


def test_a_sentence_says_why(server, credential, settings):
    settings.REDIS_URL = server.url

    with pytest.raises(PermitRefused, match="Redis has started empty"):
        limiter.acquire(credential)


def test_a_longer_interval_starts_with_what_was_recorded(server, credential):
    """Of 30 in half an hour 20 had been used: it was 30 more."""
    now = clock.now().replace(second=0, microsecond=0)
    for minutes, granted in ((40, 7), (20, 12), (5, 8)):
        at = now - timedelta(minutes=minutes)
        Sample.objects.create(
            credential=credential, span=SamplePeriod.MINUTE, at=at, granted=granted
        )
    store, ask = RedisStore(server.url), LimiterRequest(Limit(30, 30 * MINUTE), n=30)

    assert store.acquire(credential.pk, ask).quiet
    pass_quietly(server, 3)
    answers = [store.acquire(credential.pk, ask) for _ in range(2)]

    assert [len(answer.leases) for answer in answers] == [10, 0]
    # The twelve of 20 minutes ago leave the window first.
    assert 9 * MINUTE < answers[1].retry_in <= 12 * MINUTE
    with server.client() as client:
        assert all(client.ttl(name) > 1_800 for name in keys_of(credential.pk)[:2])


@pytest.mark.parametrize(
    ("allowed", "used", "left"), [(5000, 1000, 4000), (5000, 9000, 0), (1_000_000, 999_500, 0)]
)
def test_a_large_limit_starts_with_it_in_blocks(server, credential, allowed, used, left):
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    at = hour - timedelta(hours=2)
    Sample.objects.create(credential=credential, span=SamplePeriod.HOUR, at=at, granted=used)
    store = RedisStore(server.url)
    ask = LimiterRequest(Limit(allowed, 24 * 60 * MINUTE), n=allowed)

    store.acquire(credential.pk, ask)
    pass_quietly(server, 3)

    assert len(store.acquire(credential.pk, ask).leases) == left


def test_a_syncs_own_limit_starts_with_all_that_its_credential_used(server, credential):
    at = clock.now() - timedelta(minutes=20)
    Sample.objects.create(credential=credential, span=SamplePeriod.MINUTE, at=at, granted=4)
    narrower = Limit(5, 30 * MINUTE)
    ask = LimiterRequest(Limit(30, 30 * MINUTE), n=30, scope="sync", narrower=narrower)
    store = RedisStore(server.url)

    store.acquire(credential.pk, ask)
    pass_quietly(server, 3)

    assert len(store.acquire(credential.pk, ask).leases) == 1


def test_what_came_after_the_start_is_not_counted_twice(server, credential):
    store, ask = RedisStore(server.url), LimiterRequest(Limit(30, MINUTE), n=10)
    store.acquire(credential.pk, ask)
    pass_quietly(server, 3)
    assert len(store.acquire(credential.pk, ask).leases) == 10
    Sample.objects.create(
        credential=credential, span=SamplePeriod.MINUTE, at=clock.now(), granted=10
    )

    longer = LimiterRequest(Limit(30, 30 * MINUTE), n=30)

    assert len(store.acquire(credential.pk, longer).leases) == 20


def test_a_clock_that_is_set_back_makes_nobody_wait_for_its_return(server):
    store, key = RedisStore(server.url), uuid.uuid4()
    ask = LimiterRequest(Limit(5, 10_000 * MS), lease=30_000 * MS)
    store.acquire(key, ask)
    pass_quietly(server, -600)

    assert store.acquire(key, ask).retry_in <= 40_100 * MS


def test_a_store_that_is_emptied_again_and_again_is_not_asked_for_ever(server, monkeypatch):
    store = RedisStore(server.url)
    monkeypatch.setattr(store, "mark_parts", lambda: None)

    with pytest.raises(limiter.Unavailable, match="forgot what it was told"):
        store.acquire(uuid.uuid4(), LimiterRequest(Limit(5, 10_000 * MS)))
