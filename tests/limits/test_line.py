"""The queue for permits: order, priorities and fairness."""

import time
import uuid
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
import redis

from sequin_admin.limits.limiter_state import ABANDONED, HORIZON, LATE, LEAD
from sequin_admin.limits.requests import MS, LeaseRelease, LimiterRequest
from sequin_admin.limits.stores import redis as redis_store
from sequin_admin.limits.stores.memory import MemoryStore
from sequin_admin.limits.stores.redis import RedisStore
from sequin_admin.limits.window import Limit

LIVE, BACKFILL, PROBE = 0, 1, 2
KEY = uuid.uuid4()
ONE_EACH_100_MS = Limit(1, 100 * MS)


class Crowd:
    """Callers that retry exactly when told to, on a simulated clock."""

    def __init__(self, limit):
        self.now, self.limit = 1_000_000_000, limit
        self.store = MemoryStore(clock=lambda: self.now)
        self.due, self.served, self.asked = {}, [], Counter()

    def ask(self, name, priority=LIVE, ticket="", **more):
        ask = LimiterRequest(self.limit, priority=priority, wait=10_000 * MS, ticket=ticket, **more)
        answer = self.store.acquire(KEY, ask)
        self.asked[name] += 1
        if answer.leases:
            self.served.append((answer.starts_at, name))
            self.due.pop(name, None)
        else:
            back = self.now + max(answer.retry_in - LEAD, MS)
            self.due[name] = (back, replace(ask, ticket=answer.ticket))
        return answer

    def run(self, until_ms, again=False):
        """Advance the clock from one retry to the next."""
        ends = self.now + until_ms * MS
        while self.due:
            name = min(self.due, key=lambda name: self.due[name][0])
            back, ask = self.due[name]
            if back > ends:
                break
            self.now = max(self.now, back)
            answer = self.ask(
                name, ask.priority, ask.ticket, scope=ask.scope, narrower=ask.narrower
            )
            while answer.leases and again:
                answer = self.ask(name, ask.priority)
        self.now = max(self.now, ends)
        return [name for _, name in self.served]


def test_first_come_first_served():
    crowd = Crowd(ONE_EACH_100_MS)
    for number in range(30):
        crowd.ask(number)

    assert crowd.run(5000) == list(range(30))


def test_the_waiting_come_back_once_each_and_not_all_at_once():
    crowd = Crowd(ONE_EACH_100_MS)
    for number in range(30):
        crowd.ask(number)
    crowd.run(5000)

    assert max(crowd.asked.values()) <= 3


def test_nothing_of_the_limit_is_wasted_by_waiting():
    crowd = Crowd(ONE_EACH_100_MS)
    for number in range(20):
        crowd.ask(number)
    crowd.run(5000)

    starts = [start for start, _ in crowd.served]
    assert {later - earlier for earlier, later in pairwise(starts)} == {100 * MS}


def test_who_does_not_wait_cannot_jump_the_line():
    crowd = Crowd(ONE_EACH_100_MS)
    crowd.ask("first")
    crowd.ask("waiting")
    crowd.now += 100 * MS

    pushing = crowd.store.acquire(KEY, LimiterRequest(ONE_EACH_100_MS))

    assert pushing.leases == ()
    assert crowd.run(200) == ["first", "waiting"]


def test_who_stays_away_blocks_nobody_for_long():
    crowd = Crowd(ONE_EACH_100_MS)
    crowd.ask("first")
    crowd.ask("killed")
    crowd.ask("patient")
    del crowd.due["killed"]

    crowd.run(3000)

    [_, (start, name)] = crowd.served
    assert name == "patient"
    assert start <= crowd.served[0][0] + 200 * MS + LATE
    crowd.now += ABANDONED
    assert crowd.store.gauges([KEY], [100 * MS])[0].waiting == 0


def test_live_goes_before_backfill_before_probe():
    crowd = Crowd(ONE_EACH_100_MS)
    crowd.ask("first")
    crowd.ask("probe", PROBE)
    crowd.ask("backfill", BACKFILL)
    crowd.ask("live", LIVE)

    assert crowd.run(1000) == ["first", "live", "backfill", "probe"]


@pytest.mark.parametrize("limit", [ONE_EACH_100_MS, Limit(10, 1000 * MS), Limit(3, 100 * MS, 0)])
def test_under_full_demand_everybody_gets_their_share(limit):
    assert_shares(Crowd(limit))


def assert_shares(crowd):
    limit = crowd.limit
    for number in range(8):
        for priority in (LIVE, BACKFILL, PROBE):
            while crowd.ask((priority, number), priority).leases:
                pass

    served = crowd.run(60_000, again=True)

    counts = Counter(priority for priority, _ in served)
    total = limit.allowed * 60_000 * MS // limit.interval
    assert sum(counts.values()) >= 0.95 * total
    assert counts[LIVE] >= 0.7 * total
    assert 0.19 * total <= counts[BACKFILL] <= 0.22 * total
    assert 0.045 * total <= counts[PROBE] <= 0.06 * total


def test_alone_everybody_may_use_all_of_it():
    crowd = Crowd(ONE_EACH_100_MS)
    for number in range(10):
        crowd.ask(number, PROBE)

    assert len(crowd.run(1000)) == 10


def test_who_waits_for_a_limit_of_their_own_does_not_hold_up_the_others():
    crowd, narrow = Crowd(Limit(100, 1000 * MS)), Limit(1, 5000 * MS)
    own = {"scope": "sync", "narrower": narrow}
    crowd.ask("own", **own)
    crowd.ask("own again", **own)
    crowd.ask("other")

    assert [name for _, name in crowd.served] == ["own", "other"]
    assert crowd.run(6000) == ["own", "other", "own again"]


def test_who_takes_many_leaves_some_for_those_behind():
    crowd = Crowd(Limit(10, 100 * MS))
    first = crowd.store.acquire(KEY, LimiterRequest(crowd.limit, n=10))
    assert len(first.leases) == 10
    greedy = crowd.ask("greedy", n=10)
    for number in range(4):
        crowd.ask(number)
    crowd.now += 100 * MS - HORIZON // 2

    answer = crowd.store.acquire(
        KEY, LimiterRequest(crowd.limit, n=10, wait=1000 * MS, ticket=greedy.ticket)
    )

    assert len(answer.leases) == 2


def test_a_free_place_goes_to_the_first_in_line():
    crowd = Crowd(Limit(1000, 1000 * MS, 1))
    [lease] = crowd.ask("holder").leases
    for number in range(5):
        crowd.ask(number)
    crowd.now += 500 * MS
    crowd.store.release(KEY, [LeaseRelease(lease)])

    assert crowd.run(300)[1] == 0


def test_a_throttle_moves_the_whole_line():
    crowd = Crowd(ONE_EACH_100_MS)
    [lease] = crowd.ask("first").leases
    for number in range(3):
        crowd.ask(number)
    crowd.store.release(KEY, [LeaseRelease(lease, pause=2000 * MS)])
    paused_until = crowd.now + 2000 * MS

    assert crowd.run(5000) == ["first", 0, 1, 2]
    assert crowd.served[1][0] == paused_until


def test_a_clock_that_is_set_back_does_not_stop_anybody():
    crowd = Crowd(Limit(2, 1000 * MS))
    crowd.ask("first")
    crowd.now -= 3600_000 * MS

    assert crowd.ask("second").leases
    assert crowd.ask("third").retry_in == 1000 * MS


class CrowdAtRedis(Crowd):
    """Decided by Redis' scripts, with the crowd's clock in the place of the server's."""

    def __init__(self, limit, url, monkeypatch):
        super().__init__(limit)
        # Keys expire by the server's clock.
        self.now = time.time_ns() // 1000
        self.store, self.clock = RedisStore(url), redis.Redis.from_url(url)
        text = redis_store.ACQUIRE.text.replace("call('TIME')", "call('HMGET', 'clock', 's', 'us')")
        assert text != redis_store.ACQUIRE.text
        fake = redis_store.Script(text, self.clock.script_load(text))
        monkeypatch.setattr(redis_store, "ACQUIRE", fake)

    def ask(self, name, *known, **more):
        s, us = divmod(self.now, 1_000_000)
        self.clock.hset("clock", mapping={"s": s, "us": us})
        return super().ask(name, *known, **more)


def test_redis_shares_alike(redis_server, monkeypatch):
    crowd = CrowdAtRedis(ONE_EACH_100_MS, redis_server.url, monkeypatch)

    assert_shares(crowd)
