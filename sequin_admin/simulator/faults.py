"""Misbehaviour on request: outages, throttling, stalls, lost answers; and the limits that count."""

import random
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.http import HttpRequest, HttpResponse

from sequin_admin.simulator.framework import ProviderSimulator, SimulatedResponse
from sequin_admin.simulator.models import Fault, Hit, SimulatedAccount, now

STALL_S = 30
SLOW_S = 3
CRAWL_S = 12
COMMON = ("outage", "html", "timeout", "slow", "crawl", "throttle", "lost_response")
CHAOS = "chaos"
CHANCES = ("outage", "html", "throttle", "late", "lost")
OUTAGE_PAGE = "<!doctype html><title>503</title><h1>We'll be right back</h1>"


def set_fault(
    provider: str,
    account: SimulatedAccount | None,
    name: str,
    times: int | None = None,
    **data: Any,
) -> None:
    Fault.objects.filter(provider=provider, account=account, name=name).delete()
    Fault.objects.create(provider=provider, account=account, name=name, times=times, data=data)


def clear(provider: str, account: SimulatedAccount | None) -> None:
    """End what is on, and forget the calls that were counted."""
    Fault.objects.filter(provider=provider, account=account).delete()
    counted = f"{provider}:{account.external_id}" if account else f"{provider}:"
    Hit.objects.filter(key__startswith=counted).delete()


def use(provider: ProviderSimulator, account: SimulatedAccount | None, name: str) -> bool:
    """Whether the fault is on; a counted one is used up by this."""
    fault = Fault.objects.filter(provider=provider.slug, account=account, name=name).first()
    if fault is None:
        return False
    if fault.times is not None:
        Fault.objects.filter(pk=fault.pk).update(times=F("times") - 1)
        Fault.objects.filter(pk=fault.pk, times=0).delete()
    return True


def strike(
    request: HttpRequest, provider: ProviderSimulator, account: SimulatedAccount | None
) -> None:
    """Answer with whatever fault is on for the account, or for the provider when it is None."""
    request.account = account.external_id if account else ""  # type: ignore[attr-defined]
    if use(provider, account, "outage"):
        raise SimulatedResponse(HttpResponse('{"message": "Service unavailable"}', status=503))
    if use(provider, account, "html"):
        raise SimulatedResponse(HttpResponse(OUTAGE_PAGE, content_type="text/html"))
    if use(provider, account, "timeout"):
        request.wait_s = STALL_S  # type: ignore[attr-defined]
        raise SimulatedResponse(HttpResponse(status=504))
    if use(provider, account, "slow"):
        request.wait_s = SLOW_S  # type: ignore[attr-defined]
    if use(provider, account, "crawl"):
        request.wait_s = CRAWL_S  # type: ignore[attr-defined]
    if use(provider, account, "throttle"):
        raise SimulatedResponse(provider.throttled())


def chaos(provider: ProviderSimulator) -> dict[str, Any]:
    """What was let loose on the provider's token endpoint: rates of faults, and lives."""
    row = Fault.objects.filter(provider=provider.slug, account=None, name=CHAOS).first()
    return row.data if row else {}


def roll_dice(request: HttpRequest, provider: ProviderSimulator) -> None:
    """While chaos reigns: perhaps fail, perhaps do the work and answer late or never."""
    reigns = chaos(provider)
    rates = reigns.get("rates", {})
    name = random.choices([*rates, ""], [*rates.values(), max(1 - sum(rates.values()), 0)])[0]  # noqa: S311
    if name == "late":
        request.wait_s = random.uniform(0, reigns["late_s"])  # type: ignore[attr-defined]  # noqa: S311
    elif name == "lost":
        request.loses = True  # type: ignore[attr-defined]
    elif name == "throttle":
        raise SimulatedResponse(provider.throttled())
    elif name == "html":
        raise SimulatedResponse(HttpResponse(OUTAGE_PAGE, content_type="text/html"))
    elif name == "outage":
        raise SimulatedResponse(HttpResponse('{"message": "Service unavailable"}', status=503))


def maybe_lost(
    provider: ProviderSimulator, account: SimulatedAccount, response: HttpResponse
) -> HttpResponse:
    """Do the work, then lose the answer, when that was asked for."""
    response.dropped = use(provider, account, "lost_response")  # type: ignore[attr-defined]
    return response


def count(
    provider: ProviderSimulator, key: str, *, allowed: int, seconds: float, penalty_s: float = 0
) -> int:
    """Count one call against a published limit, and tell how many are left in its window.

    Answers in the provider's way when it is over; then nothing goes for `penalty_s` seconds.
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
