"""The simulated clock: advanced, stopped and set back."""

import math

from django.db import transaction
from django.utils import timezone

from sequin_admin.simulator.control import ControlError
from sequin_admin.simulator.models import Hit, World, now

CENTURY_S = 100 * 365 * 86_400


@transaction.atomic
def move_clock(advance_s: float | None) -> None:
    """Advance the simulated clock, or set it back to real time."""
    world, _ = World.objects.get_or_create(pk=1)
    offset_s = 0 if advance_s is None else world.offset_s + advance_s
    if not math.isfinite(offset_s) or abs(offset_s) > CENTURY_S:
        raise ControlError("The clock moves by at most 100 years. Give a smaller number.")
    world.offset_s = offset_s
    world.stopped_at = None if advance_s is None else world.stopped_at
    world.save()
    # A hit in what is now the future would count until that time is reached again.
    Hit.objects.filter(at__gt=now()).delete()


def stop_clock() -> None:
    """Stop the simulated clock, so that a test of a limit does not depend on its own speed."""
    World.objects.update_or_create(pk=1, defaults={"stopped_at": timezone.now()})
