"""The state in this process alone: for a share of the limit while the real store is away."""

import threading
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from sequin_admin.limits.limiter_state import CredentialLimiter
from sequin_admin.limits.requests import (
    Gauge,
    LeaseRelease,
    LimiterRequest,
    LimiterResponse,
    ReleaseResult,
)


def monotonic() -> int:
    return time.monotonic_ns() // 1000


class MemoryStore:
    def __init__(self, clock: Callable[[], int] = monotonic) -> None:
        self.clock = clock
        self.lock = threading.Lock()
        self.states: dict[UUID, CredentialLimiter] = {}

    def acquire(
        self, key: UUID, ask: LimiterRequest, backs: Sequence[LeaseRelease] = ()
    ) -> LimiterResponse:
        with self.lock:
            state, now = self.states.setdefault(key, CredentialLimiter()), self.clock()
            for back in backs:
                state.release(back, now)
            return state.acquire(ask, now)

    def release(self, key: UUID, backs: Sequence[LeaseRelease]) -> list[ReleaseResult]:
        with self.lock:
            state, now = self.states.setdefault(key, CredentialLimiter()), self.clock()
            return [state.release(back, now) for back in backs]

    def gauges(self, keys: Sequence[UUID], intervals: Sequence[int]) -> list[Gauge | None]:
        with self.lock:
            now = self.clock()
            found = [self.states.get(key) for key in keys]
            return [
                state.gauge(interval, now) if state else None
                for state, interval in zip(found, intervals, strict=True)
            ]
