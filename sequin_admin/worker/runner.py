"""The worker's main loop: claims work for each job on time and submits it to the job's threads."""

import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from django.db import close_old_connections, connections

from sequin_admin.core import shutdown, statement_limits
from sequin_admin.core.availability import is_told
from sequin_admin.health import workers
from sequin_admin.tokens import renewal_leases
from sequin_admin.worker.job_counts import JobCounts
from sequin_admin.worker.jobs import Job
from sequin_admin.worker.pool import Pool, run_job

log = structlog.get_logger(__name__)
TICK_S = 0.2
# A round of the main loop takes no longer, also while the database hangs: one claim waits for it,
# the next are refused at once.
LONGEST_ROUND_S = 60.0
THREADS = 8


class Runner:
    """`stop` may be set from a signal handler: nothing here waits on it, so its lock is free."""

    def __init__(self, jobs: Iterable[Job], threads: int = THREADS) -> None:
        self.jobs = list(jobs)
        self.threads = threads
        self.stop = threading.Event()
        self.wake = threading.Event()
        self.round_began_at = time.monotonic()

    def goes_on(self) -> bool:
        """Whether the main loop still goes round, or waits for work to end."""
        return self.stop.is_set() or time.monotonic() - self.round_began_at < LONGEST_ROUND_S

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
        pools = self.start_pools(counts)
        schedulers = [JobScheduler(pool, job, counts) for pool, job in pools]
        with (
            renewal_leases.heartbeat.without_thread(),
            workers.WorkerHeartbeat(self.threads, counts.snapshot) as heart,
        ):
            while not self.stop.is_set():
                self.wake.clear()
                self.round_began_at = time.monotonic()
                # Whose claim was longest ago is next: with few threads all jobs get some.
                for scheduler in sorted(schedulers, key=lambda each: each.claimed_at):
                    scheduler.claim_if_due()
                heart.beat()
                renewal_leases.heartbeat.renew_if_due()
                self.wake.wait(TICK_S)
            heart.beat(stopping=True)
            stop_pools(dict.fromkeys(pool for pool, _ in pools))
        connections.close_all()

    def start_pools(self, counts: JobCounts) -> list[tuple[Pool, Job]]:
        """Each job with its pool: one for those that call others, one thread for all chores, one
        for those that wait for none."""
        calling = [job for job in self.jobs if not job.single]
        chores = [job for job in self.jobs if job.single and not job.prompt]
        prompt = [job for job in self.jobs if job.prompt]
        # At most two connections more than threads: the chores' and the one that claims.
        callers = max(1, self.threads - len(prompt[:1]))
        with_limits = (
            (calling, callers, statement_limits.for_worker()),
            (chores, 1, statement_limits.for_chores()),
            (prompt, 1, statement_limits.for_worker()),
        )
        return [
            (pool, job)
            for jobs, size, limits in with_limits
            for pool in [Pool(jobs, size, counts, self.wake.set, limits)]
            for job in jobs
        ]


class JobScheduler:
    """Claims work for one job: every `every_s` seconds, or at once while there is more."""

    def __init__(self, pool: Pool, job: Job, counts: JobCounts) -> None:
        self.pool, self.job, self.counts = pool, job, counts
        self.due_at = self.claimed_at = 0.0
        self.has_more = False

    def claim_if_due(self) -> None:
        room, now = self.pool.room(self.job), time.monotonic()
        # Under load work is claimed in batches, not item by item.
        enough = room >= max(1, self.pool.share(self.job) // 4)
        if not enough or (now < self.due_at and not self.has_more):
            return
        self.due_at, self.claimed_at = now + self.job.every_s, now
        items = claim(self.job, room, self.counts)
        self.has_more = bool(items) and not self.job.single
        for item in items:
            self.pool.submit(self.job, item)


def claim(job: Job, limit: int, counts: JobCounts) -> Sequence[Any]:
    """At most `limit` items of work; none when the claim fails, which is logged and counted."""
    close_old_connections()
    try:
        return job.claim(limit)
    except Exception as error:
        if not is_told(error):
            log.exception("job failed", job=job.name)
        counts.record_failure(job.name, error)
        return []


def stop_pools(pools: Iterable[Pool]) -> None:
    """Wait for work in progress, for at most `shutdown.GRACE_S` seconds in total."""
    deadline = time.monotonic() + shutdown.GRACE_S
    for pool in pools:
        for name in pool.stop(deadline, renewal_leases.heartbeat.renew_if_due):
            log.warning("job cut off", job=name)
