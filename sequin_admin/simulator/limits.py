"""Rate limits of simulated providers: calls counted against what is published."""

from dataclasses import dataclass
from datetime import timedelta

from sequin_admin.simulator.framework import ProviderSimulator, SimulatedResponse
from sequin_admin.simulator.models import Hit, PointBucket, now


def count_call(
    provider: ProviderSimulator, key: str, *, allowed: int, seconds: float, penalty_s: float = 0
) -> int:
    """Count one call against a published limit and return the calls left in its window.

    Raises `SimulatedResponse` (the provider's throttling response) when the limit is exceeded, and
    for `penalty_s` seconds after that.
    """
    at, name, banned = now(), f"{provider.slug}:{key}", f"{provider.slug}:{key}:penalty"
    since, punished_since = (at - timedelta(seconds=s) for s in (seconds, penalty_s))
    if penalty_s and Hit.count(banned, punished_since):
        raise SimulatedResponse(provider.throttled())
    used = Hit.count(name, since)
    if used >= allowed:
        if penalty_s:
            Hit.record(banned, at, punished_since)
        raise SimulatedResponse(provider.throttled())
    Hit.record(name, at, since)
    return allowed - used - 1


@dataclass(frozen=True)
class PointLimit:
    """A bucket of points, into which `per_second` come back until it holds `most`."""

    most: float
    per_second: float

    def left(self, key: str) -> float:
        known = PointBucket.find(key)
        if known is None:
            return self.most
        points, at = known
        passed = (now() - at).total_seconds()
        return min(self.most, points + max(passed, 0) * self.per_second)

    def spend(self, key: str, points: float) -> float:
        """Points that are left afterwards."""
        left = max(self.left(key) - points, 0)
        PointBucket.store(key, left, now())
        return left
