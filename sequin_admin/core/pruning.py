"""Deletes rows that are old, in batches: each is a short transaction, so that nobody waits long.

For how long what grows is kept say the settings `KEEP_..._DAYS`.
"""

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction

from sequin_admin.core import clock, shutdown
from sequin_admin.core.concrete import concrete_model

BATCH_SIZE = 500
# The first batch has fewer: nobody knows yet how long its rows take.
FIRST_SIZE = 50
# After a batch that took longer the next has half as many rows, for tables whose rows are large,
# slow disks and busy machines; after a quick one it has twice as many again.
SLOW_S, QUICK_S = 0.25, 0.05

Row = TypeVar("Row", bound=models.Model)


@dataclass
class Pace:
    """How many rows the next batch has. `is_bare`: no row points to them and no signal is due, as
    where all that belongs to their owner goes, so that each batch is one statement."""

    size: int = FIRST_SIZE
    is_bare: bool = False


def cutoff(setting: str) -> datetime:
    """What is older is pruned, by the name of a setting in days."""
    return clock.now() - timedelta(days=getattr(settings, setting))


def prune(
    rows: models.QuerySet[Row], by: str, *, until: float = math.inf, pace: Pace | None = None
) -> int:
    """Delete `rows`, oldest first by the column `by`, which has an index. Returns how many.

    Ends before all are deleted when the monotonic time is `until`. `pace` goes on with the size of
    the batches of an earlier call.

    Between two batches others have the database for as long as a batch took: SQLite has one writer
    at a time. A process that is to end leaves the rest for later.
    """
    count, pace = 0, pace or Pace()
    while not shutdown.is_requested() and time.monotonic() < until:
        pace.size = min(pace.size, BATCH_SIZE)
        began = time.monotonic()
        with leaving_room():
            deleted = prune_batch(rows, by, pace)
            took_s = time.monotonic() - began
        if not deleted:
            break
        count += deleted
        pace.size = next_size(pace.size, took_s)
    return count


@contextmanager
def leaving_room() -> Iterator[None]:
    """After what is written within, wait for as long as that took, so that others get to write."""
    began = time.monotonic()
    yield
    time.sleep(time.monotonic() - began)


def next_size(size: int, took_s: float) -> int:
    """How many rows the next batch has, after one of `size` rows that took so long."""
    if took_s > SLOW_S:
        return max(1, size // 2)
    return min(BATCH_SIZE, size * 2) if took_s < QUICK_S else size


def prune_batch(rows: models.QuerySet[Row], by: str, pace: Pace) -> int:
    """Delete the oldest of `rows`, without those that another process has locked."""
    oldest = rows.order_by(by).values_list("pk", flat=True)[: pace.size]
    if not connection.features.has_select_for_update:
        return delete_found(rows, oldest, is_bare=pace.is_bare)
    found = list(oldest)
    return delete_found(rows, found, is_bare=pace.is_bare) if found else 0


@transaction.atomic
def delete_found(
    rows: models.QuerySet[Row], found: Iterable[object], *, is_bare: bool = False
) -> int:
    """Those of the found rows that nobody has locked or changed meanwhile. Returns how many.

    Found before and locked by the statement that deletes them, they are locked no longer than that
    takes: a busy machine may leave this process alone for a second between two statements. SQLite
    has no such locks and finds them here, as a transaction there keeps all others from writing.
    """
    if connection.features.has_select_for_update:
        unlocked = rows.filter(pk__in=found).order_by().select_for_update(skip_locked=True)
        found = unlocked.values("pk")
    else:
        found = list(found)
    leaving = rows.model._base_manager.filter(pk__in=found)
    if is_bare:
        return leaving._raw_delete(leaving.db)
    deleted = leaving.delete()[1]
    # A credential is counted as its kind, which is a proxy.
    labels = (label for label in deleted if concrete_model(apps.get_model(label)) is rows.model)
    return sum(deleted[label] for label in labels)
