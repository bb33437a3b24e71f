"""Rate limits of simulated providers: calls counted against what is published."""

from datetime import timedelta

from sequin_admin.simulator.framework import ProviderSimulator, SimulatedResponse
from sequin_admin.simulator.models import Hit, now


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
