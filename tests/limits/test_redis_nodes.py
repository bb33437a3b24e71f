"""Redis on several nodes: Cluster and Sentinel, with real processes that are killed."""

import time
import uuid
from collections import Counter

import pytest
import redis

from sequin_admin.limits.requests import MS, LeaseRelease, LimiterRequest
from sequin_admin.limits.stores import Unavailable
from sequin_admin.limits.stores.redis import PARTS, RedisStore, keys_of, tag_of
from sequin_admin.limits.window import Limit
from tests.redis_server import DURABLE, Cluster, RedisServer, know_for_long, wait_until

MINUTE = 60_000 * MS
THREE_A_MINUTE = LimiterRequest(Limit(3, MINUTE))
pytestmark = pytest.mark.faults


@pytest.fixture(autouse=True)
def _redis_may_forget(settings):
    """Some of these servers keep no file, and all say what becomes of that."""
    settings.REDIS_MAY_FORGET = True


@pytest.fixture(scope="module")
def cluster():
    with Cluster() as cluster:
        know_for_long(cluster)
        yield cluster


def new_keys(count):
    """Credentials of different parts of the store."""
    return [uuid.UUID(int=(uuid.uuid4().int // PARTS) * PARTS + part) for part in range(count)]


def test_a_cluster_counts_every_credential(cluster):
    store, keys = RedisStore(cluster.url), new_keys(60)

    granted = {key: store.acquire(key, THREE_A_MINUTE).leases for key in keys}
    backs = {key: LeaseRelease(leases[0]) for key, leases in granted.items()}
    released = [store.release(key, [back]) for key, back in backs.items()]
    ask = LimiterRequest(Limit(3, MINUTE), n=9)
    again = [store.acquire(key, ask, [back]) for key, back in backs.items()]
    gauges = store.gauges(keys, [MINUTE] * 60)

    assert {len(leases) for leases in granted.values()} == {1}
    assert {each.live for (each,) in released} == {True}
    assert {len(answer.leases) for answer in again} == {2}
    assert {(gauge.used, gauge.granted, gauge.under_way) for gauge in gauges} == {(3, 3, 2)}
    assert store.take_block(uuid.uuid4(), 80, 8).n == 8
    with cluster.client() as client:
        owners = Counter(client.get_node_from_key(keys_of(key)[0]).port for key in keys)
    assert len(owners) == 3


def test_a_part_that_moves_to_another_node_is_followed(cluster):
    """The count moves along. While a part moves, Redis runs no script that names several keys of
    it: nothing is granted."""
    store, (key,) = RedisStore(cluster.url), new_keys(1)
    assert store.acquire(key, THREE_A_MINUTE).leases
    with cluster.client() as client:
        slot = client.keyslot(tag_of(key))
        owner = client.get_node_from_key(keys_of(key)[0]).port
    (source,) = [node for node in cluster.nodes if node.port == owner]
    target = next(node for node in cluster.nodes if node is not source)
    with source.client() as old, target.client() as new:
        ids = [each.execute_command("CLUSTER", "MYID") for each in (old, new)]
        new.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0])
        old.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1])
        names = old.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100)
        old.migrate("127.0.0.1", target.port, names, 0, 5000)

        with pytest.raises(Unavailable, match="Redis could not"):
            store.acquire(key, THREE_A_MINUTE)

        for each in (new, old):
            each.execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[1])
    answers = [store.acquire(key, THREE_A_MINUTE) for _ in range(3)]

    assert [len(answer.leases) for answer in answers] == [1, 1, 0]
    assert not answers[2].quiet


def test_a_node_that_comes_back_empty_is_quiet_and_the_others_are_not():
    with Cluster("--appendonly", "no") as cluster:
        know_for_long(cluster)
        store, keys = RedisStore(cluster.url), new_keys(60)
        lost = cluster.nodes[0]
        with cluster.client() as client:
            on_lost = {k for k in keys if client.get_node_from_key(keys_of(k)[0]).port == lost.port}
        for key in keys:
            store.acquire(key, THREE_A_MINUTE)

        lost.kill()
        elsewhere = next(key for key in keys if key not in on_lost)
        assert store.acquire(elsewhere, THREE_A_MINUTE).leases
        with pytest.raises(Unavailable):
            store.acquire(next(iter(on_lost)), THREE_A_MINUTE)
        lost.start()
        cluster.wait()
        answers = {key: store.acquire(key, THREE_A_MINUTE) for key in keys}

        assert {key for key in keys if answers[key].quiet} == on_lost
        assert all(answers[key].leases for key in keys if key not in on_lost)


def test_sentinels_lead_to_the_server_that_took_over():
    """What had been replicated counts on: three a minute, two of them before the fail-over."""
    with RedisServer() as primary, RedisServer(*DURABLE) as replica:
        know_for_long(primary)
        with replica.client() as client:
            client.replicaof("127.0.0.1", primary.port)
            wait_until(
                lambda: client.info("replication")["master_link_status"] == "up", "No replication"
            )
        with RedisServer("--sentinel") as sentinel:
            watch(sentinel, primary)
            store = RedisStore(f"redis+sentinel://127.0.0.1:9,127.0.0.1:{sentinel.port}/ours/0")
            key = uuid.uuid4()
            before = store.acquire(key, LimiterRequest(Limit(3, MINUTE), n=2)).leases
            with primary.client() as client:
                assert client.wait(1, 5000) == 1
            primary.kill()

            wait_until(lambda: answers(store), "Nobody took over")
            after = [store.acquire(key, THREE_A_MINUTE) for _ in range(2)]

    assert len(before) == 2
    assert [len(answer.leases) for answer in after] == [1, 0]
    assert not after[1].quiet


def watch(sentinel, primary):
    with sentinel.client() as client:
        client.sentinel_monitor("ours", "127.0.0.1", primary.port, 1)
        client.sentinel_set("ours", "down-after-milliseconds", 1000)
        wait_until(lambda: client.sentinel_slaves("ours"), "Sentinel did not see the replica")


def answers(store):
    try:
        return store.gauges([uuid.uuid4()], [MINUTE])
    except Unavailable:
        return False


ONE_AT_A_TIME = LimiterRequest(Limit(3, 100 * MS, at_once=3), n=3, lease=1500 * MS)


def test_a_server_killed_without_a_file_grants_nothing_until_the_calls_before_have_ended():
    """It was six at once of three."""
    with RedisServer("--appendonly", "no") as server:
        know_for_long(server)
        store, key = RedisStore(server.url), uuid.uuid4()
        began = time.monotonic()
        assert len(store.acquire(key, ONE_AT_A_TIME).leases) == 3

        server.kill()
        server.start()
        answer = store.acquire(key, ONE_AT_A_TIME)
        assert answer.quiet
        while not (granted := store.acquire(key, ONE_AT_A_TIME).leases):
            time.sleep(0.02)

    assert time.monotonic() - began >= 1.6
    assert len(granted) == 3


def test_a_server_killed_with_a_file_goes_on_where_it_was():
    with RedisServer(*DURABLE) as server:
        know_for_long(server)
        store, key = RedisStore(server.url), uuid.uuid4()
        assert len(store.acquire(key, LimiterRequest(Limit(3, MINUTE), n=2)).leases) == 2

        server.kill()
        server.start()
        answers = [store.acquire(key, THREE_A_MINUTE) for _ in range(2)]

    assert [len(answer.leases) for answer in answers] == [1, 0]
    assert not answers[1].quiet


def test_a_store_that_is_emptied_is_quiet(cluster):
    store, (key,) = RedisStore(cluster.url), new_keys(1)
    with cluster.client() as client:
        client.flushall(target_nodes=redis.cluster.RedisCluster.PRIMARIES)
    try:
        assert store.acquire(key, THREE_A_MINUTE).quiet
    finally:
        know_for_long(cluster)
