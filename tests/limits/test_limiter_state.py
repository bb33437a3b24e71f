"""Every store against the reference model, in sequences chosen by hypothesis."""

import time
import uuid
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from sequin_admin.limits import window
from sequin_admin.limits.limiter_state import HORIZON
from sequin_admin.limits.requests import MS, LeaseRelease, LimiterRequest
from sequin_admin.limits.stores.database import DatabaseStore
from sequin_admin.limits.stores.memory import MemoryStore
from sequin_admin.limits.stores.redis import RedisStore
from sequin_admin.limits.window import Limit
from tests.factories import make_credential
from tests.limits.plain import Plain

limits = st.builds(
    Limit,
    allowed=st.integers(1, 6),
    interval=st.sampled_from([20 * MS, 50 * MS]),
    at_once=st.integers(0, 4),
)
few_ms = st.integers(0, 30_000)


class Walk(RuleBasedStateMachine):
    """One credential with all kinds of requests and time passing between them."""

    exact = True

    def make_store(self):
        self.now = 1_700_000_000_000_000
        return MemoryStore(clock=lambda: self.now)

    def pass_time(self, micro):
        self.now += micro

    def make_key(self):
        return uuid.uuid4()

    @initialize(limit=limits, narrower=limits)
    def begin(self, limit, narrower):
        self.store, self.key = self.make_store(), self.make_key()
        self.limit, self.narrower, self.plain, self.tickets = limit, narrower, Plain(), []
        self.leases = []

    @rule(allowed=st.integers(1, 6), at_once=st.integers(0, 4))
    def change_the_limit(self, allowed, at_once):
        self.limit = replace(self.limit, allowed=allowed, at_once=at_once)

    @rule(
        n=st.integers(1, 4), lease=few_ms, within=st.sampled_from([0, 0, 5000]), own=st.booleans()
    )
    def ask(self, n, lease, within, own):
        """Without a queue exactly what the rule allows is granted."""
        ask = LimiterRequest(self.limit, n=n, lease=lease + 1, within=within if self.exact else 0)
        if own:
            ask = replace(ask, scope="sync", narrower=self.narrower)
        answer = self.store.acquire(self.key, ask)
        if self.exact and not self.waiting(answer.now):
            assert len(answer.leases) == min(n, self.plain.may(ask, answer.now, answer.now))
        self.granted(ask, answer)

    @rule(priority=st.integers(0, 2), n=st.integers(1, 3), again=st.booleans())
    def ask_and_wait(self, priority, n, again):
        ask = LimiterRequest(self.limit, n=n, priority=priority, wait=200 * MS, lease=20 * MS)
        if again and self.tickets:
            ask = replace(ask, ticket=self.tickets.pop()[0])
        answer = self.store.acquire(self.key, ask)
        if self.exact and not self.waiting(answer.now) and not answer.leases:
            assert self.plain.may(ask, answer.now, answer.now) == 0
            assert answer.retry_in > 0
        if answer.ticket:
            self.tickets.append((answer.ticket, answer.now + answer.retry_in))
        self.granted(ask, answer)

    @rule(which=st.integers(0, 99), used=st.none() | few_ms, unused=st.booleans())
    def release(self, which, used, unused):
        if self.leases:
            lease = self.leases.pop(which % len(self.leases))
            self.back(LeaseRelease(lease, used=used, unused=unused))

    @rule(pause=few_ms)
    def throttled(self, pause):
        if self.leases:
            self.back(LeaseRelease(self.leases.pop(), pause=pause))

    @rule(micro=few_ms)
    def time_passes(self, micro):
        self.pass_time(micro)

    def waiting(self, now):
        """Whether a ticket may still be in the queue."""
        self.tickets = [ticket for ticket in self.tickets if ticket[1] > now - 2_000 * MS]
        return self.tickets

    def granted(self, ask, answer):
        if answer.leases:
            at = answer.starts_at
            assert answer.now <= at <= answer.now + min(ask.wait, HORIZON)
            assert len(answer.leases) <= self.plain.may(ask, at, answer.now)
            self.plain.granted(ask, answer)
            self.leases.extend(answer.leases)

    def back(self, back):
        [returned] = self.store.release(self.key, [back])
        assert returned.live == self.plain.came_back(back, returned.now)


def test_the_state_walks_by_the_rule():
    run_state_machine_as_test(Walk, settings=settings(max_examples=300, stateful_step_count=60))


class BlockWalk(Walk):
    """The same with permits counted in blocks: no window exceeds the limit."""

    exact = False

    def granted(self, ask, answer):
        at = answer.starts_at
        self.plain.granted(ask, answer)
        self.leases.extend(answer.leases)
        for scope, limit in ask.limits().items() if answer.leases else ():
            starts = [s.counts for s in self.plain.started if scope in ("", s.scope)]
            for begin in [start for start in starts if at - limit.interval < start <= at]:
                held = sum(begin <= start < begin + limit.interval for start in starts)
                assert held <= limit.allowed

    def back(self, back):
        super().back(replace(back, used=None, unused=False))


def test_the_state_walks_by_the_rule_in_blocks(monkeypatch):
    monkeypatch.setattr(window, "BLOCKS", 2)

    run_state_machine_as_test(
        BlockWalk, settings=settings(max_examples=100, stateful_step_count=40)
    )


@pytest.mark.parametrize("allowed", [1999, 2000, 12_345, 1_000_000])
def test_nearly_all_is_used_where_permits_are_counted_in_blocks(allowed):
    """At full demand, with a request every 200 µs and windows of 100 ms."""
    now, limit, granted = 0, Limit(allowed, 100 * MS), []
    store = MemoryStore(clock=lambda: now)
    while now < 450 * MS:
        answer = store.acquire(uuid.UUID(int=1), LimiterRequest(limit, n=allowed // 250, lease=1))
        granted.append((now, len(answer.leases)))
        now += 200
    for start, _ in granted[::50]:
        in_window = sum(n for at, n in granted if start <= at < start + limit.interval)
        assert in_window <= allowed
    assert sum(n for at, n in granted if at < 400 * MS) >= 0.98 * 4 * allowed


class RealWalk(Walk):
    """The same against a server whose clock tests can't set."""

    def pass_time(self, micro):
        time.sleep(micro / 1_000_000)


def walk(store, organization):
    class Walking(RealWalk):
        def make_store(self):
            return store

        def make_key(self):
            return make_credential(organization, "stripe_key", identity=uuid.uuid4().hex).pk

    few = settings(max_examples=40, stateful_step_count=40, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Walking, settings=few)


def test_the_database_walks_by_the_rule(organization):
    walk(DatabaseStore(), organization)


def test_redis_walks_by_the_rule(organization, redis_server):
    walk(RedisStore(redis_server.url), organization)
