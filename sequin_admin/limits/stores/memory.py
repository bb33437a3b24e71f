"""State in this process only, for a share of the limit while the shared store is unavailable."""

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
    """A `Store` of this process; API keys have no quota here."""

    def __init__(self, clock: Callable[[], int] = monotonic) -> None:
        self.clock = clock
        self.lock = threading.Lock()
        self.states: dict[UUID, CredentialLimiter] = {}

    def acquire(
        self, key: UUID, request: LimiterRequest, releases: Sequence[LeaseRelease] = ()
    ) -> LimiterResponse:
        with self.lock:
            state, now = self.states.setdefault(key, CredentialLimiter()), self.clock()
            for release in releases:
                state.release(release, now)
            return state.acquire(request, now)

    def release(self, key: UUID, releases: Sequence[LeaseRelease]) -> list[ReleaseResult]:
        with self.lock:
            state, now = self.states.setdefault(key, CredentialLimiter()), self.clock()
            return [state.release(release, now) for release in releases]

    def gauges(self, keys: Sequence[UUID], intervals: Sequence[int]) -> list[Gauge | None]:
        with self.lock:
            now = self.clock()
            found = [self.states.get(key) for key in keys]
            return [
                state.gauge(interval, now) if state else None
                for state, interval in zip(found, intervals, strict=True)
            ]
