"""The simulated clock."""

import json
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import models
from django.utils import timezone

from sequin_admin.core.prepared import ColumnQuery, PreparedColumns
from sequin_admin.simulator.models.memory import of_this_call, remembered


class WorldMoment(NamedTuple):
    """Simulated time, the seed of all rows, when they began, and the fire drills."""

    now: datetime
    seed: str
    born_at: datetime
    drills: list[dict[str, Any]]


class World(models.Model):
    """The one row that holds the simulated clock: real time plus `offset_s` seconds.

    While the clock is stopped, `stopped_at` takes the place of real time. All rows of accounts
    follow from `seed` and from when they began, `born_at`.
    """

    offset_s = models.FloatField(default=0)
    stopped_at = models.DateTimeField(null=True)
    seed = models.CharField(max_length=100, default="arrakis")
    born_at = models.DateTimeField(default=timezone.now)
    # See `simulator.drills`.
    drills = models.JSONField(default=list)


WORLD = PreparedColumns(
    lambda: ColumnQuery(
        World.objects.order_by().values_list("offset_s", "stopped_at", "seed", "born_at", "drills")[
            :1
        ]
    ),
    {},
)


def now() -> datetime:
    """Simulated time, by which everything in the simulator expires."""
    return read_world().now


def read_world() -> WorldMoment:
    """Within a call it is always the same."""
    return of_this_call("world", read_world_anew)


def read_world_anew() -> WorldMoment:
    real = timezone.now()
    rows = remembered("world", WORLD.fetch)
    offset_s, stopped_at, seed, born_at, drills = rows[0] if rows else (0, None, "", real, "[]")
    at = (stopped_at or real) + timedelta(seconds=offset_s)
    return WorldMoment(at, seed, born_at, json.loads(drills))
