"""The simulated clock."""

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone


class World(models.Model):
    """The one row that holds the simulated clock: real time plus `offset_s` seconds.

    While the clock is stopped, `stopped_at` takes the place of real time.
    """

    offset_s = models.FloatField(default=0)
    stopped_at = models.DateTimeField(null=True)


def now() -> datetime:
    """Simulated time, by which everything in the simulator expires."""
    stopped_at, offset_s = World.objects.values_list("stopped_at", "offset_s").first() or (None, 0)
    return (stopped_at or timezone.now()) + timedelta(seconds=offset_s)
