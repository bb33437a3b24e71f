"""Calls fire drills, ends them, and does what they do at once."""

import math
from typing import Any

from django.db import transaction

from sequin_admin.simulator import drills, framework
from sequin_admin.simulator.control import ControlError
from sequin_admin.simulator.control.apps import rotate_secret
from sequin_admin.simulator.drills import AT_ONCE, DRILLS, Drill, get_drills, save_drills
from sequin_admin.simulator.framework import ProviderSimulator
from sequin_admin.simulator.models import SimulatedClient, SimulatedGrant, read_world
from sequin_admin.simulator.rows.collection import iso_millis, to_ms

USUAL_S, MOST_S = 600, 366 * 86_400
MOST_KEPT = 100


@transaction.atomic
def call_drill(
    provider: ProviderSimulator,
    name: str,
    in_s: float = 0,
    for_s: float = USUAL_S,
    every_s: float = 0,
) -> Drill:
    """Begin a drill in `in_s` seconds, for `for_s` seconds, and again every `every_s` seconds.
    Raises `ControlError`."""
    if name not in DRILLS:
        raise ControlError(f"There is no drill {name!r}: {', '.join(DRILLS)}")
    if name in drills.OF_ROWS and not provider.collections:
        raise ControlError(f"The rows of {provider.title} are fixed: no field changes.")
    if name == "webhook_disorder" and provider.webhooks is None:
        raise ControlError(f"{provider.title}'s webhooks are not simulated.")
    if name == "rotate_secret" and not has_app(provider):
        raise ControlError(f"{provider.title} has no app whose secret could be rotated.")
    times = (in_s, for_s, every_s)
    known = all(isinstance(t, int | float) and not isinstance(t, bool) for t in times)
    if not known or not all(math.isfinite(t) and 0 <= t <= MOST_S for t in times) or not for_s:
        raise ControlError("in_s, for_s and every_s must be seconds, up to a year.")
    if every_s and every_s < for_s:
        raise ControlError("every_s must not be shorter than for_s.")
    called = get_drills()
    start_ms, length_ms, every_ms = (round(t * 1000) for t in times)
    drill = Drill(
        max((one.id for one in called), default=0) + 1,
        provider.slug,
        name,
        to_ms(read_world().now) + start_ms,
        length_ms,
        every_ms,
    )
    save_drills([*called, drill][-MOST_KEPT:])
    if name in AT_ONCE and not in_s:
        begin_turns(provider)
    return drill


def has_app(provider: ProviderSimulator) -> bool:
    return SimulatedClient.objects.filter(provider=provider.slug).exists()


@transaction.atomic
def end_drill(drill_id: int) -> None:
    """End a drill now, and all of its turns to come. Raises `ControlError`."""
    called, now_ms = get_drills(), to_ms(read_world().now)
    drill = next((one for one in called if one.id == drill_id), None)
    if drill is None or drill.is_over(now_ms):
        raise ControlError("There is no such drill any more.")
    turn_ms = drill.start_ms + max(drill.turns(now_ms) - 1, 0) * drill.every_ms
    drill.start_ms, drill.every_ms = min(turn_ms, now_ms), 0
    drill.length_ms = min(drill.length_ms, now_ms - drill.start_ms)
    drill.done = 1
    save_drills(called)


def drills_json() -> list[dict[str, Any]]:
    """Drills that are on or to come, first what was called last."""
    now_ms = to_ms(read_world().now)
    return [
        {
            "id": drill.id,
            "provider": drill.provider,
            "provider_title": framework.all_providers()[drill.provider].title,
            "name": drill.name,
            "title": DRILLS[drill.name],
            "on": drill.is_on(now_ms),
            "start": iso_millis(drill.start_ms),
            "for_s": drill.length_ms / 1000,
            "every_s": drill.every_ms / 1000,
        }
        for drill in reversed(get_drills())
        if not drill.is_over(now_ms)
    ]


def begin_turns(provider: ProviderSimulator) -> None:
    """Do what happens at once in turns that have begun since the last call."""
    called = get_drills()
    if not called:
        return
    now_ms = to_ms(read_world().now)
    due = [
        drill
        for drill in called
        if drill.provider == provider.slug
        and drill.name in AT_ONCE
        and drill.turns(now_ms) > drill.done
    ]
    for drill in due:
        drill.done = drill.turns(now_ms)
        if drill.name == "revoke_half":
            revoke_half(provider.slug)
        else:
            for app in SimulatedClient.objects.filter(provider=provider.slug):
                rotate_secret(provider, app.owner)
    if due:
        save_drills(called)


def revoke_half(provider: str) -> None:
    """Of the accounts that granted something, in order of their ids, each second one, and the only
    one."""
    grants = SimulatedGrant.objects.filter(client__provider=provider, revoked=False)
    accounts = sorted(set(grants.values_list("account__external_id", flat=True)))
    grants.filter(account__external_id__in=accounts[::2]).update(revoked=True)
