"""The workers that run: their heartbeat, what they have done, and how far behind they are."""

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import structlog
from django.db import DatabaseError
from django.db.models import Min, QuerySet

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential
from sequin_admin.health.models import WorkerProcess
from sequin_admin.tokens.models import Token

log = structlog.get_logger(__name__)
# The jobs that have rows to fall behind with.
RENEW, PROBE = "renew", "probe"
BEAT_EVERY_S = 5
STALE = timedelta(seconds=20)
KEPT = timedelta(days=1)


class Heart:
    """The row of one worker process, while it runs. A worker that is killed leaves it behind."""

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
        except DatabaseError:
            log.warning("farewell not written", exc_info=True)

    def beat(self, *, stopping: bool = False) -> None:
        """Say that we live, at most every `BEAT_EVERY_S` seconds. A database that is away is no
        reason to die."""
        if time.monotonic() < self.next_at and not stopping:
            return
        self.next_at = time.monotonic() + BEAT_EVERY_S
        self.row.beat_at, self.row.stopping, self.row.jobs = clock.now(), stopping, self.jobs()
        try:
            self.row.save()
        except DatabaseError:
            log.warning("heartbeat not written", exc_info=True)


@dataclass(frozen=True)
class Lag:
    """How many rows wait for a job, and since when the oldest does."""

    job: str
    due: int
    since: datetime | None

    def seconds(self, at: datetime) -> float:
        return max(0.0, (at - self.since).total_seconds()) if self.since else 0.0


def lags(organization: Organization | None = None) -> list[Lag]:
    """How far behind the jobs are: with the rows of one organization, or with all."""
    now = clock.now()
    due_tokens, checks = Token.objects.refresh_due(now), Credential.objects.check_due(now)
    if organization:
        due_tokens = due_tokens.filter(credential__organization=organization)
        checks = checks.of(organization)
    return [lag(RENEW, due_tokens, "refresh_at"), lag(PROBE, checks, "check_due_at")]


def lag(job: str, rows: QuerySet[Any], column: str) -> Lag:
    return Lag(job, rows.count(), rows.order_by().aggregate(since=Min(column))["since"])


def alive(at: datetime) -> QuerySet[WorkerProcess]:
    return WorkerProcess.objects.filter(beat_at__gt=at - STALE)


def known() -> QuerySet[WorkerProcess]:
    """All that have not said farewell, the youngest first; those killed stay for a day."""
    return WorkerProcess.objects.order_by("-started_at")


def prune() -> int:
    """Forget those that are gone for long."""
    removed, _ = WorkerProcess.objects.filter(beat_at__lte=clock.now() - KEPT).delete()
    return removed
