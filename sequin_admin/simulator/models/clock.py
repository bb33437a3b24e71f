"""The simulated clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

WorldMoment = tuple[datetime, str, datetime]


class World(models.Model):
    """The one row that holds the simulated clock: real time plus `offset_s` seconds.

    While the clock is stopped, `stopped_at` takes the place of real time. All rows of accounts
    follow from `seed` and from when they began, `born_at`.
    """

    offset_s = models.FloatField(default=0)
    stopped_at = models.DateTimeField(null=True)
    seed = models.CharField(max_length=100, default="arrakis")
    born_at = models.DateTimeField(default=timezone.now)


_moment: ContextVar[list[WorldMoment] | None] = ContextVar("moment", default=None)


@contextmanager
def one_moment() -> Iterator[None]:
    """Within the block time stands still, so that a call happens at one moment."""
    token = _moment.set([])
    try:
        yield
    finally:
        _moment.reset(token)


def now() -> datetime:
    """Simulated time, by which everything in the simulator expires."""
    return read_world()[0]


def read_world() -> WorldMoment:
    """Simulated time, the seed of all rows, and when they began."""
    known = _moment.get()
    if known:
        return known[0]
    columns = World.objects.order_by().values_list("offset_s", "stopped_at", "seed", "born_at")
    real = timezone.now()
    rows = list(columns[:1])
    offset_s, stopped_at, seed, born_at = rows[0] if rows else (0, None, "", real)
    moment = (stopped_at or real) + timedelta(seconds=offset_s), seed, born_at
    if known is not None:
        known.append(moment)
    return moment
