"""Simulated faults: outages, throttling, delays, lost responses."""

from collections.abc import Callable
from typing import Any

from django.db.models import F
from django.http import HttpRequest, HttpResponse

from sequin_admin.simulator.calls import state_of
from sequin_admin.simulator.drills import active_names
from sequin_admin.simulator.framework import ProviderSimulator, SimulatedResponse
from sequin_admin.simulator.models import Fault, Hit, PointBucket, SimulatedAccount, now
from sequin_admin.simulator.rows.collection import to_ms

COMMON_FAULTS = ("outage", "html", "proxy", "timeout", "slow", "crawl", "throttle", "lost_response")
PROXY_PAGE = "<html><head><title>401</title></head><body>Please log in to the proxy.</body></html>"
OUTAGE_PAGE = "<!doctype html><title>503</title><h1>We'll be right back</h1>"
# Responses in place of the provider's own.
REPLACEMENTS: dict[str, Callable[[ProviderSimulator], HttpResponse]] = {
    "outage": lambda _: HttpResponse('{"message": "Service unavailable"}', status=503),
    "html": lambda _: HttpResponse(OUTAGE_PAGE, content_type="text/html"),
    "timeout": lambda _: HttpResponse(status=504),
    "proxy": lambda _: HttpResponse(PROXY_PAGE, status=401),
    "throttle": lambda provider: provider.throttled(),
}
SLOW_TOKENS_S = 5
DELAYS_S = {"timeout": 30, "slow": 3, "crawl": 12}


def set_fault(
    provider: str,
    account: SimulatedAccount | None,
    name: str,
    times: int | None = None,
    **data: Any,
) -> None:
    Fault.objects.filter(provider=provider, account=account, name=name).delete()
    Fault.objects.create(provider=provider, account=account, name=name, times=times, data=data)


def clear_faults(provider: str, account: SimulatedAccount | None) -> None:
    """Switch off the faults and reset the counted calls."""
    Fault.objects.filter(provider=provider, account=account).delete()
    counted = f"{provider}:{account.external_id}" if account else f"{provider}:"
    for model in (Hit, PointBucket):
        model.objects.filter(key__startswith=counted).delete()


def consume_fault(provider: ProviderSimulator, account: SimulatedAccount | None, name: str) -> bool:
    """Whether the fault is on. Decrements its `times`, if it has any."""
    if not Fault.is_any(provider.slug):
        return False
    fault = Fault.objects.filter(provider=provider.slug, account=account, name=name).first()
    if fault is None:
        return False
    consume_times(fault)
    return True


def consume_times(fault: Fault) -> None:
    """Decrement the fault's `times`, if it has any."""
    if fault.times is not None:
        Fault.objects.filter(pk=fault.pk).update(times=F("times") - 1)
        Fault.objects.filter(pk=fault.pk, times=0).delete()


def apply_faults(
    request: HttpRequest, provider: ProviderSimulator, account: SimulatedAccount | None
) -> None:
    """Apply the faults that are on for the account, or for the provider when it is None.

    Raises `SimulatedResponse` for a fault that replaces the response.
    """
    state = state_of(request)
    state.account = account.external_id if account else ""
    apply_drills(request, provider, token=account is None)
    if not Fault.is_any(provider.slug):
        return
    on = Fault.objects.filter(provider=provider.slug, account=account)
    active = {fault.name: fault for fault in on}
    for name in ("outage", "html", "timeout", "proxy", "slow", "crawl", "throttle"):
        if name in active:
            consume_times(active[name])
            state.delay_s = DELAYS_S.get(name, state.delay_s)
            if name in REPLACEMENTS:
                raise SimulatedResponse(REPLACEMENTS[name](provider))


def apply_drills(request: HttpRequest, provider: ProviderSimulator, *, token: bool) -> None:
    """Apply the fire drills that are on, at the token endpoint or elsewhere.

    Raises `SimulatedResponse` for a drill that replaces the response.
    """
    names = active_names(provider.slug, to_ms(now()))
    if token and "slow_tokens" in names:
        state_of(request).delay_s = SLOW_TOKENS_S
    for name, fault in (("outage", "outage"), ("throttle_storm", "throttle")):
        if name in names:
            raise SimulatedResponse(REPLACEMENTS[fault](provider))


def maybe_lose_response(
    request: HttpRequest,
    provider: ProviderSimulator,
    account: SimulatedAccount,
    response: HttpResponse,
) -> HttpResponse:
    """The response, which is never sent when the fault `lost_response` is on."""
    if consume_fault(provider, account, "lost_response"):
        state_of(request).loses_response = True
    return response
