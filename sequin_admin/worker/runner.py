"""Claims work for each job on time and hands it to threads, until it is told to stop."""

import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from django.db import close_old_connections, connections

from sequin_admin.health import workers
from sequin_admin.worker.job_counts import JobCounts
from sequin_admin.worker.jobs import Job
from sequin_admin.worker.pool import Pool, attempt

log = structlog.get_logger(__name__)
TICK_S = 0.2
THREADS = 8
# How long calls under way may go on after the signal. `manage.py up` kills the worker 12 s after
# it, compose 15 s: on a busy machine ending the process takes more than two.
GRACE_S = 8.0


class Runner:
    """`stop` may be set from a signal handler: nothing here waits for it while holding its lock."""

    def __init__(self, jobs: Iterable[Job], threads: int = THREADS) -> None:
        self.jobs = list(jobs)
        self.threads = threads
        self.stop = threading.Event()
        self.wake = threading.Event()

    def run_once(self) -> None:
        """All that is due, one piece after the other, in this thread."""
        tally = JobCounts(job.name for job in self.jobs)
        for job in self.jobs:
            while pieces := claim(job, 1, tally):
                attempt(job, pieces[0], tally)
                if job.single:
                    break
        connections.close_all()

    def run_forever(self) -> None:
        tally = JobCounts(job.name for job in self.jobs)
        pools = [
            Pool(job, 1 if job.single else self.threads, tally, self.wake.set) for job in self.jobs
        ]
        desks = [Desk(pool, tally) for pool in pools]
        with workers.Heart(self.threads, tally.snapshot) as heart:
            while not self.stop.is_set():
                self.wake.clear()
                for desk in desks:
                    desk.serve()
                heart.beat()
                self.wake.wait(TICK_S)
            heart.beat(stopping=True)
            finish(pools)
        connections.close_all()


class Desk:
    """Decides when a job is asked for more work."""

    def __init__(self, pool: Pool, tally: JobCounts) -> None:
        self.pool, self.tally = pool, tally
        self.due = 0.0
        self.more = False

    def serve(self) -> None:
        room, now = self.pool.free, time.monotonic()
        # While there is much to do, it is claimed by the handful, not one by one.
        enough = room >= max(1, self.pool.size // 4)
        if not enough or (now < self.due and not self.more):
            return
        self.due = now + self.pool.job.every_s
        pieces = claim(self.pool.job, room, self.tally)
        self.more = len(pieces) == room and not self.pool.job.single
        for piece in pieces:
            self.pool.put(piece)


def claim(job: Job, room: int, tally: JobCounts) -> Sequence[Any]:
    """At most `room` pieces of work. A claim that fails is logged and tried again on time."""
    close_old_connections()
    try:
        return job.claim(room)
    except Exception as error:
        log.exception("job failed", job=job.name)
        tally.failed(job.name, error)
        return []


def finish(pools: Iterable[Pool]) -> None:
    """Let work under way end, for at most `GRACE_S` seconds together."""
    ends = time.monotonic() + GRACE_S
    for pool in pools:
        if not pool.end(ends):
            log.warning("job cut off", job=pool.job.name)
