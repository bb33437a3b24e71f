"""Random faults of the token endpoint, with the chances that were asked for."""

import random
from typing import Any

from django.http import HttpRequest

from sequin_admin.simulator.calls import state_of
from sequin_admin.simulator.faults import REPLACEMENTS
from sequin_admin.simulator.framework import ProviderSimulator, SimulatedResponse
from sequin_admin.simulator.models import Fault

CHAOS = "chaos"
CHAOS_FAULTS = ("outage", "html", "throttle", "late", "lost")


def get_chaos(provider: ProviderSimulator) -> dict[str, Any]:
    """Chaos settings of the token endpoint: `rates`, `late_s`, perhaps `access_life_s`."""
    if not Fault.is_any(provider.slug):
        return {}
    row = Fault.objects.filter(provider=provider.slug, account=None, name=CHAOS).first()
    return row.data if row else {}


def apply_chaos(request: HttpRequest, provider: ProviderSimulator) -> None:
    """By the chaos settings: fail, or do the work and respond late or never.

    Raises `SimulatedResponse` for a failure.
    """
    settings = get_chaos(provider)
    rates = settings.get("rates", {})
    name = random.choices([*rates, ""], [*rates.values(), max(1 - sum(rates.values()), 0)])[0]  # noqa: S311
    if name == "late":
        state_of(request).delay_s = random.uniform(0, settings["late_s"])  # noqa: S311
    elif name == "lost":
        state_of(request).loses_response = True
    elif name in REPLACEMENTS:
        raise SimulatedResponse(REPLACEMENTS[name](provider))
