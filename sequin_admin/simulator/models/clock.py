"""The simulated clock."""

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone


class World(models.Model):
    """The one row that holds the simulated clock: real time plus `offset_s` seconds.

    While the clock is stopped, `stopped_at` takes the place of real time. All rows of accounts
    follow from `seed` and from when they began, `born_at`.
    """

    offset_s = models.FloatField(default=0)
    stopped_at = models.DateTimeField(null=True)
    seed = models.CharField(max_length=100, default="arrakis")
    born_at = models.DateTimeField(default=timezone.now)


def now() -> datetime:
    """Simulated time, by which everything in the simulator expires."""
    return read_world()[0]


def read_world() -> tuple[datetime, str, datetime]:
    """Simulated time, the seed of all rows, and when they began."""
    columns = World.objects.values_list("offset_s", "stopped_at", "seed", "born_at")
    real = timezone.now()
    offset_s, stopped_at, seed, born_at = columns.first() or (0, None, "", real)
    return (stopped_at or real) + timedelta(seconds=offset_s), seed, born_at
