"""Threads that several jobs share, each with a share of its own."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import structlog
from django.db import close_old_connections, connections

from sequin_admin.core import tracing
from sequin_admin.core.availability import is_told
from sequin_admin.core.statement_limits import StatementLimits, limited
from sequin_admin.health.workers import threads_for
from sequin_admin.worker.job_counts import JobCounts
from sequin_admin.worker.jobs import Job

log = structlog.get_logger(__name__)


class Pool:
    """`size` threads for the items of `jobs`. `on_done` is called after each item.

    Threads are kept free for jobs that have nothing to do, so that no job waits for another's
    calls; those that have share the rest. What was claimed beyond its job's share waits for the
    end of an item of that job, so that no thread waits for the next claim.

    The threads keep their database connections open. They are daemon threads, so that an item that
    hangs does not keep the process from exiting.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        size: int,
        counts: JobCounts,
        on_done: Callable[[], None],
        limits: StatementLimits,
    ) -> None:
        self.size, self.counts, self.on_done, self.limits = size, counts, on_done, limits
        # None ends a thread.
        self.queue: queue.SimpleQueue[tuple[Job, object] | None] = queue.SimpleQueue()
        self.lock = threading.Lock()
        self.running = {job.name: 0 for job in jobs}
        self.waiting: dict[str, deque[object]] = {job.name: deque() for job in jobs}
        for number in range(size):
            name = f"worker {number}"
            threading.Thread(target=self.run_thread, name=name, daemon=True).start()

    def share(self, job: Job) -> int:
        """How many of its items may run now."""
        active = sum(1 for name in self.running if name == job.name or self.running[name])
        return threads_for(self.size, jobs=len(self.running), active=active)

    def room(self, job: Job) -> int:
        """How many more of its items may be submitted."""
        if job.single:
            return int(not self.running[job.name])
        share = self.share(job)
        return share + share // 4 - self.running[job.name] - len(self.waiting[job.name])

    def submit(self, job: Job, item: object) -> None:
        with self.lock:
            self.waiting[job.name].append(item)
            self.start_next(job)

    def start_next(self, job: Job) -> None:
        """Hand the job's next item to a thread, if its share allows. Needs the lock."""
        if self.waiting[job.name] and self.running[job.name] < self.share(job):
            self.running[job.name] += 1
            self.queue.put((job, self.waiting[job.name].popleft()))

    def run_thread(self) -> None:
        with limited(self.limits):
            while work := self.queue.get():
                job, item = work
                run_job(job, item, self.counts)
                with self.lock:
                    self.running[job.name] -= 1
                    self.start_next(job)
                self.on_done()
        connections.close_all()

    def unfinished(self) -> list[str]:
        """Names of the jobs whose items have not ended."""
        return [name for name in self.running if self.running[name] or self.waiting[name]]

    def stop(self, deadline: float, meanwhile: Callable[[], object]) -> list[str]:
        """Wait for submitted items until `deadline` (monotonic), and call `meanwhile` again and
        again. Returns the jobs with unfinished ones."""
        while self.unfinished() and time.monotonic() < deadline:
            time.sleep(0.02)
            meanwhile()
        for _ in range(self.size):
            self.queue.put(None)
        return self.unfinished()


def run_job(job: Job, item: object, counts: JobCounts) -> None:
    """Do one item of work. Exceptions are logged and counted, not raised."""
    close_old_connections()
    with tracing.root(f"job {job.name}", "consumer", {"sequin_admin.job": job.name}) as span:
        try:
            job.work(item)
        except Exception as error:
            span.fail(type(error).__qualname__)
            if not is_told(error):
                log.exception("job failed", job=job.name)
            counts.record_failure(job.name, error)
        else:
            counts.record_done(job.name)
