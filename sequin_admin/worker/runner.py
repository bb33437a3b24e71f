"""The worker's main loop: claims work for each job on time and submits it to the job's threads."""

import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from django.db import close_old_connections, connections

from sequin_admin.core import shutdown
from sequin_admin.health import workers
from sequin_admin.worker.job_counts import JobCounts
from sequin_admin.worker.jobs import Job
from sequin_admin.worker.pool import Pool, run_job

log = structlog.get_logger(__name__)
TICK_S = 0.2
THREADS = 8


class Runner:
    """`stop` may be set from a signal handler: nothing here waits on it, so its lock is free."""

    def __init__(self, jobs: Iterable[Job], threads: int = THREADS) -> None:
        self.jobs = list(jobs)
        self.threads = threads
        self.stop = threading.Event()
        self.wake = threading.Event()

    def run_once(self) -> None:
        """Do all work that is due, item by item, in this thread, until `stop` is set."""
        counts = JobCounts(job.name for job in self.jobs)
        for job in self.jobs:
            while not self.stop.is_set() and (items := claim(job, 1, counts)):
                run_job(job, items[0], counts)
                if job.single:
                    break
        connections.close_all()

    def run_forever(self) -> None:
        counts = JobCounts(job.name for job in self.jobs)
        pools = [
            Pool(job, 1 if job.single else self.threads, counts, self.wake.set) for job in self.jobs
        ]
        schedulers = [JobScheduler(pool, counts) for pool in pools]
        with workers.WorkerHeartbeat(self.threads, counts.snapshot) as heart:
            while not self.stop.is_set():
                self.wake.clear()
                for scheduler in schedulers:
                    scheduler.claim_if_due()
                heart.beat()
                self.wake.wait(TICK_S)
            heart.beat(stopping=True)
            stop_pools(pools)
        connections.close_all()


class JobScheduler:
    """Claims work for one pool: every `every_s` seconds, or at once while there is more."""

    def __init__(self, pool: Pool, counts: JobCounts) -> None:
        self.pool, self.counts = pool, counts
        self.due_at = 0.0
        self.has_more = False

    def claim_if_due(self) -> None:
        limit, now = self.pool.free, time.monotonic()
        # Under load work is claimed in batches, not item by item.
        enough = limit >= max(1, self.pool.size // 4)
        if not enough or (now < self.due_at and not self.has_more):
            return
        self.due_at = now + self.pool.job.every_s
        items = claim(self.pool.job, limit, self.counts)
        self.has_more = bool(items) and not self.pool.job.single
        for item in items:
            self.pool.submit(item)


def claim(job: Job, limit: int, counts: JobCounts) -> Sequence[Any]:
    """At most `limit` items of work; none when the claim fails, which is logged and counted."""
    close_old_connections()
    try:
        return job.claim(limit)
    except Exception as error:
        log.exception("job failed", job=job.name)
        counts.record_failure(job.name, error)
        return []


def stop_pools(pools: Iterable[Pool]) -> None:
    """Wait for work in progress, for at most `shutdown.GRACE_S` seconds in total."""
    deadline = time.monotonic() + shutdown.GRACE_S
    for pool in pools:
        if not pool.stop(deadline):
            log.warning("job cut off", job=pool.job.name)
