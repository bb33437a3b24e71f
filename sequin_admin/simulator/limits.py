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
    Hit.objects.filter(key=name, at__lte=at - timedelta(seconds=seconds)).delete()
    used = Hit.objects.filter(key=name).count()
    if Hit.objects.filter(key=banned, at__gt=at - timedelta(seconds=penalty_s)).exists():
        raise SimulatedResponse(provider.throttled())
    if used >= allowed:
        if penalty_s:
            Hit.objects.create(key=banned, at=at)
        raise SimulatedResponse(provider.throttled())
    Hit.objects.create(key=name, at=at)
    return allowed - used - 1
