"""Worker processes: their heartbeats, job counts and lag."""

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import structlog
from django.db import DatabaseError, connection
from django.db.models import Count, Min, Model, QuerySet

from sequin_admin.access.models import Organization
from sequin_admin.core import clock, metrics
from sequin_admin.core.availability import is_told
from sequin_admin.credentials.models import Credential
from sequin_admin.health.models import Outage, WorkerProcess
from sequin_admin.tokens.endpoints import Capacity
from sequin_admin.tokens.models import Token

log = structlog.get_logger(__name__)
# The jobs with a queue of due rows.
RENEW, PROBE = "renew", "probe"
# The jobs that share the threads of a worker.
CALLING_JOBS = 10
BEAT_EVERY_S = 5
STALE_AFTER = timedelta(seconds=20)
KEPT_FOR = timedelta(days=1)


class WorkerHeartbeat:
    """Keeps the `WorkerProcess` row of a running worker. The row of a killed worker stays."""

    def __init__(self, threads: int, jobs: Callable[[], dict[str, Any]]) -> None:
        self.jobs = jobs
        self.next_at = 0.0
        self.row = WorkerProcess(
            hostname=socket.gethostname()[:200], pid=os.getpid(), threads=threads
        )

    def __enter__(self) -> Self:
        self.beat()
        return self

    def __exit__(self, *error: object) -> None:
        try:
            WorkerProcess.objects.filter(pk=self.row.pk).delete()
        except DatabaseError as error:
            if not is_told(error):
                log.warning("farewell not written", exc_info=True)
        metrics.flush()

    def beat(self, *, stopping: bool = False) -> None:
        """Update the row, at most every `BEAT_EVERY_S` seconds. Database errors are only logged."""
        if time.monotonic() < self.next_at and not stopping:
            return
        self.next_at = time.monotonic() + BEAT_EVERY_S
        try:
            clock.measure(connection)
            self.row.clock_ahead_s = clock.ahead_s()
            self.row.beat_at, self.row.stopping, self.row.jobs = clock.now(), stopping, self.jobs()
            self.row.save()
        except DatabaseError as error:
            if not is_told(error):
                log.warning("heartbeat not written", exc_info=True)
        metrics.flush()


@dataclass(frozen=True)
class Lag:
    """How many rows are due for a job, and since when the oldest is."""

    job: str
    due: int
    since: datetime | None

    def seconds(self, at: datetime) -> float:
        return max(0.0, (at - self.since).total_seconds()) if self.since else 0.0


def lags(organization: Organization | None = None) -> list[Lag]:
    """Lag of each job, for the rows of one organization or of all."""
    due_tokens, checks = Token.objects.refresh_due(), Credential.objects.check_due()
    if organization:
        due_tokens = due_tokens.filter(credential__organization=organization)
        checks = checks.of(organization)
    return [lag(RENEW, due_tokens, "refresh_at"), lag(PROBE, checks, "check_due_at")]


def lag(job: str, rows: QuerySet[Model], column: str) -> Lag:
    found = rows.order_by().aggregate(due=Count("pk"), since=Min(column))
    return Lag(job, found["due"], found["since"])


def alive(at: datetime) -> QuerySet[WorkerProcess]:
    return WorkerProcess.objects.filter(beat_at__gt=at - STALE_AFTER)


def threads_for(size: int, *, jobs: int, active: int) -> int:
    """How many of the `size` threads that `jobs` jobs share one of the `active` ones may take.

    One is kept free for each other job, but no more than half of them.
    """
    kept = min(jobs - active, size // 2)
    return max(1, (size - kept) // active)


def capacity() -> Capacity:
    """What all running workers can do for one job at the same time, and the providers that are
    known to be down."""
    sizes = alive(clock.now()).values_list("threads", flat=True)
    threads = sum(threads_for(size, jobs=CALLING_JOBS, active=1) for size in sizes)
    down = Outage.objects.open().values_list("provider", flat=True)
    return Capacity(threads or 1, frozenset(down))


def list_workers() -> QuerySet[WorkerProcess]:
    """All workers that were not shut down, newest first; killed ones stay for `KEPT_FOR`."""
    return WorkerProcess.objects.order_by("-started_at")


def prune() -> int:
    """Delete workers without a heartbeat for `KEPT_FOR`. Returns how many."""
    removed, _ = WorkerProcess.objects.filter(beat_at__lte=clock.now() - KEPT_FOR).delete()
    return removed
