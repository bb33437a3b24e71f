"""Benchmark of pruning: how long its transactions are, and how long another writer waits."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from django.db import connection

from sequin_admin.access.models import Organization
from sequin_admin.core import clock, pruning
from sequin_admin.notifications import outbox
from sequin_admin.notifications.models import Delivery, DeliveryState
from sequin_admin.tools.benchmarks.copies import copy_row, new_head, numbered_uuid

MANY = 1_000_000
ALLOWED_S = 1.0
WRITE_EVERY_S = 0.02


def measure(organization: Organization, total: int = MANY) -> dict[str, Any]:
    """Prune old messages that were sent, while a thread writes to those that are kept."""
    at = clock.now() - timedelta(days=1000)
    columns = {"organization": organization, "severity": "info", "notice": {}}
    old = Delivery.objects.create(**columns, state=DeliveryState.DELIVERED, created_at=at)
    kept = Delivery.objects.create(**columns, state=DeliveryState.DELIVERED)
    copy_row(old, total - 1, uid=numbered_uuid(new_head()))
    prune_batch, took = pruning.prune_batch, list[float]()

    def timed(*args: Any) -> int:
        began = time.perf_counter()
        count = prune_batch(*args)
        took.append(time.perf_counter() - began)
        return count

    with patch.object(pruning, "prune_batch", timed), writing(kept) as waits:
        began = time.perf_counter()
        count = outbox.prune()
        seconds = time.perf_counter() - began
    return {
        "rows": count,
        "seconds": round(seconds, 1),
        "transactions": len(took),
        "longest_transaction_s": round(max(took), 3),
        "longest_write_beside_s": round(max(waits), 3),
        "writes_beside": len(waits),
        "allowed_s": ALLOWED_S,
    }


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
