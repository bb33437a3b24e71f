"""Benchmark of pruning: how long its transactions are, and how long another writer waits."""

import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from django.db import connection, models

from sequin_admin.access.models import Organization
from sequin_admin.core import clock, pruning
from sequin_admin.credentials import kinds
from sequin_admin.limits import sampling
from sequin_admin.limits.models import Sample, SamplePeriod
from sequin_admin.notifications import outbox
from sequin_admin.notifications.models import Delivery, DeliveryState
from sequin_admin.tools.benchmarks.copies import copy_row, new_head, numbered_uuid

MANY = 1_000_000
ALLOWED_S = 1.0
WRITE_EVERY_S = 0.02
LONG_AGO = clock.now() - timedelta(days=1000)
# One second before the copy before it.
EARLIER = {
    "postgresql": "at - n * interval '1 second'",
    "sqlite": "datetime(at, '-' || n || ' seconds')",
}


def measure(organization: Organization, total: int = MANY) -> dict[str, Any]:
    """Prune old messages and old usage, while a thread writes to a row that is kept."""
    kept = Delivery.objects.create(
        organization=organization, severity="info", notice={}, state=DeliveryState.DELIVERED
    )
    figures: dict[str, Any] = {}
    for name, (fill, prune) in TABLES.items():
        fill(organization, total)
        load_before, batches = os.getloadavg(), list[tuple[int, float]]()
        with timed_batches(batches), writing(kept) as waits:
            began = time.perf_counter()
            count = prune()
            seconds = time.perf_counter() - began
        figures[name] = {
            "rows": count,
            "seconds": round(seconds, 1),
            "transactions": len(batches),
            "longest_transaction_s": round(max(took_s for _, took_s in batches), 3),
            "slow_transactions": sum(took_s > pruning.SLOW_S for _, took_s in batches),
            "fewest_rows_a_transaction": min(size for size, _ in batches if size),
            "longest_write_beside_s": round(max(waits), 3),
            "writes_beside": len(waits),
            "load_before_and_after": [load_before[0], os.getloadavg()[0]],
        }
    return {"allowed_s": ALLOWED_S, **figures}


def fill_messages(organization: Organization, total: int) -> None:
    columns = {"organization": organization, "severity": "info", "notice": {}}
    old = Delivery.objects.create(**columns, state=DeliveryState.DELIVERED, created_at=LONG_AGO)
    copy_row(old, total - 1, uid=numbered_uuid(new_head()))


def fill_usage(organization: Organization, total: int) -> None:
    """Of one credential, as a year's hours would be of a hundred."""
    row = kinds.get("stripe_key")(organization=organization, name="Busy")
    row.save()
    old = Sample.objects.create(credential=row, span=SamplePeriod.HOUR, at=LONG_AGO)
    copy_row(old, total - 1, at=EARLIER[connection.vendor])


TABLES = {"messages": (fill_messages, outbox.prune), "usage": (fill_usage, sampling.prune)}


@contextmanager
def timed_batches(batches: list[tuple[int, float]]) -> Iterator[None]:
    """Add how many rows each transaction deleted, and how long it took."""
    delete_found = pruning.delete_found

    def timed(
        rows: models.QuerySet[models.Model], found: Iterable[object], *, is_bare: bool = False
    ) -> int:
        began = time.perf_counter()
        count = delete_found(rows, found, is_bare=is_bare)
        batches.append((count, time.perf_counter() - began))
        return count

    with patch.object(pruning, "delete_found", timed):
        yield


@contextmanager
def writing(row: Delivery) -> Iterator[list[float]]:
    """Save a row over and over in a thread. Yields how long each time took."""
    stop, waits = threading.Event(), list[float]()

    def write() -> None:
        while not stop.wait(WRITE_EVERY_S):
            began = time.perf_counter()
            Delivery.objects.filter(pk=row.pk).update(last_error=str(len(waits)))
            waits.append(time.perf_counter() - began)
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield waits
    finally:
        stop.set()
        thread.join()
