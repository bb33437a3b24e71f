"""The Redis store: keys, expiry and failures."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from sequin_admin.limits.requests import MS, LeaseRelease, LimiterRequest
from sequin_admin.limits.stores import Unavailable
from sequin_admin.limits.stores.redis import RedisStore, keys_of, tag_of
from sequin_admin.limits.window import Limit
from tests.redis_server import RedisServer, know_for_long

LIMIT = Limit(5, 1000 * MS, 2)


@pytest.fixture
def store(redis_server):
    return RedisStore(redis_server.url)


@pytest.fixture
def client(redis_server):
    with redis.Redis.from_url(redis_server.url, decode_responses=True) as client:
        yield client


def test_every_key_expires_and_has_the_tag_of_its_part(store, client):
    key = uuid.uuid4()
    ask = LimiterRequest(LIMIT, n=2, scope="sync", narrower=LIMIT, within=5 * MS)
    leases = store.acquire(key, ask).leases
    store.acquire(key, LimiterRequest(LIMIT, wait=MS))
    backs = [
        LeaseRelease(leases[0], unused=True),
        LeaseRelease(leases[1], pause=5, left=3, resets=7),
    ]
    store.release(key, backs)
    store.acquire(key, LimiterRequest(LIMIT))

    names = client.keys(f"*{key.hex}*")

    assert len(names) >= 5
    assert all(tag_of(key) in name for name in names)
    assert all(0 < client.ttl(name) < 300 for name in names), {n: client.ttl(n) for n in names}


def test_nothing_is_left_of_a_credential_that_is_gone(store, client):
    key, other = uuid.uuid4(), uuid.uuid4()
    for each in (key, other):
        store.acquire(each, LimiterRequest(LIMIT, n=2, scope="sync", narrower=LIMIT))

    store.forget([(key, ""), (key, "sync")])

    assert client.keys(f"*{key.hex}*") == []
    assert client.keys(f"*{other.hex}*")


def test_a_server_that_forgot_the_scripts_is_taught_again(store, client):
    client.script_flush()

    assert store.acquire(uuid.uuid4(), LimiterRequest(LIMIT)).leases


def test_hundreds_of_threads_come_and_go(store):
    for _ in range(8):
        with ThreadPoolExecutor(20) as pool:
            list(pool.map(lambda _: store.acquire(uuid.uuid4(), LimiterRequest(LIMIT)), range(40)))


def test_a_server_that_goes_and_comes_back_is_asked_again():
    server = RedisServer().start()
    know_for_long(server)
    try:
        store, key = RedisStore(server.url), uuid.uuid4()
        store.acquire(key, LimiterRequest(LIMIT))
        server.process.terminate()
        server.process.wait()

        with pytest.raises(Unavailable, match="could not be asked"):
            store.acquire(key, LimiterRequest(LIMIT))

        server.start()
        assert store.acquire(key, LimiterRequest(LIMIT)).leases
    finally:
        server.stop()


def test_a_refusal_with_a_ticket_shortens_no_interval(store, client):
    """The numbers of an hour's permits were forgotten after two minutes."""
    key, hour = uuid.uuid4(), 3_600_000 * MS
    assert len(store.acquire(key, LimiterRequest(Limit(16, hour), n=16)).leases) == 16
    meta, starts, *_ = keys_of(key)
    # The first leaves the window in half a minute.
    client.zincrby(starts, 30_000 * MS - hour, "1")

    assert store.acquire(key, LimiterRequest(Limit(16, hour), wait=MS)).ticket

    assert client.ttl(meta) > 3_000


def test_a_clock_that_is_set_back_does_not_stop_anybody(store, client):
    """As after a failover to a server whose clock is behind."""
    key = uuid.uuid4()
    [lease] = store.acquire(key, LimiterRequest(LIMIT)).leases
    own, starts, leases, _ = keys_of(key)
    ahead = 3_600_000_000
    for name in (starts, leases):
        for member, score in client.zrange(name, 0, -1, withscores=True):
            client.zadd(name, {member: score + ahead})
    client.hset(own, "last", int(client.hget(own, "last")) + ahead)

    answers = [store.acquire(key, LimiterRequest(LIMIT, n=9)) for _ in range(2)]

    assert [len(answer.leases) for answer in answers] == [1, 0]
    assert answers[1].retry_in < 2_000_000
    assert lease
