"""The state in this process alone: for a share of the limit while the real store is away."""

import threading
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from sequin_admin.limits.rule import State
from sequin_admin.limits.terms import Answer, Ask, Gauge, Return, Returned


def monotonic() -> int:
    return time.monotonic_ns() // 1000


class MemoryStore:
    def __init__(self, clock: Callable[[], int] = monotonic) -> None:
        self.clock = clock
        self.lock = threading.Lock()
        self.states: dict[UUID, State] = {}

    def acquire(self, key: UUID, ask: Ask, backs: Sequence[Return] = ()) -> Answer:
        with self.lock:
            state, now = self.states.setdefault(key, State()), self.clock()
            for back in backs:
                state.give_back(back, now)
            return state.acquire(ask, now)

    def give_back(self, key: UUID, backs: Sequence[Return]) -> list[Returned]:
        with self.lock:
            state, now = self.states.setdefault(key, State()), self.clock()
            return [state.give_back(back, now) for back in backs]

    def gauges(self, keys: Sequence[UUID], intervals: Sequence[int]) -> list[Gauge | None]:
        with self.lock:
            now = self.clock()
            found = [self.states.get(key) for key in keys]
            return [
                state.gauge(interval, now) if state else None
                for state, interval in zip(found, intervals, strict=True)
            ]
