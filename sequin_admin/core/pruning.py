"""Deletes rows that are old, in batches: each is a short transaction, so that nobody waits long.

For how long what grows is kept say the settings `KEEP_..._DAYS`.
"""

import time
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db import models, transaction

from sequin_admin.core import clock, shutdown

BATCH_SIZE = 500

Row = TypeVar("Row", bound=models.Model)


def cutoff(setting: str) -> datetime:
    """What is older is pruned, by the name of a setting in days."""
    return clock.now() - timedelta(days=getattr(settings, setting))


def prune(rows: models.QuerySet[Row], by: str) -> int:
    """Delete `rows`, oldest first by the column `by`, which has an index. Returns how many.

    Between two batches others have the database for as long as a batch took: SQLite has one writer
    at a time. A process that is to end leaves the rest for later.
    """
    count = 0
    while not shutdown.is_requested():
        began = time.monotonic()
        deleted = prune_batch(rows, by)
        if not deleted:
            break
        count += deleted
        time.sleep(time.monotonic() - began)
    return count


@transaction.atomic
def prune_batch(rows: models.QuerySet[Row], by: str) -> int:
    """Delete the oldest of `rows`, without those that another process has locked."""
    locked = rows.order_by(by).select_for_update(skip_locked=True, of=("self",))
    ids = list(locked.values_list("pk", flat=True)[:BATCH_SIZE])
    rows.model._base_manager.filter(pk__in=ids).delete()
    return len(ids)
