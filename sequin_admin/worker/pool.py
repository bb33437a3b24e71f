"""A pool of threads for one job."""

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from django.db import close_old_connections, connections

from sequin_admin.worker.job_counts import JobCounts
from sequin_admin.worker.jobs import Job

log = structlog.get_logger(__name__)
SHUTDOWN = object()


class Pool:
    """`size` threads and their queue. `free` is how many more items may be submitted.

    `capacity` is slightly more than the number of threads, so that no thread waits for the next
    claim while queued items don't wait for long either. `on_done` is called after each item.

    The threads keep their database connections open. They are daemon threads, so that an item that
    hangs does not keep the process from exiting.
    """

    def __init__(self, job: Job, size: int, counts: JobCounts, on_done: Callable[[], None]) -> None:
        self.job, self.size, self.counts, self.on_done = job, size, counts, on_done
        self.queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.lock = threading.Lock()
        self.capacity = self.free = size + size // 4
        for _ in range(size):
            threading.Thread(target=self.run_thread, name=job.name, daemon=True).start()

    def submit(self, item: Any) -> None:
        with self.lock:
            self.free -= 1
        self.queue.put(item)

    def run_thread(self) -> None:
        while True:
            item = self.queue.get()
            if item is SHUTDOWN:
                break
            run_job(self.job, item, self.counts)
            with self.lock:
                self.free += 1
            self.on_done()
        connections.close_all()

    def stop(self, deadline: float) -> bool:
        """Wait for submitted items until `deadline` (monotonic). False when some are unfinished."""
        for _ in range(self.size):
            self.queue.put(SHUTDOWN)
        while self.free < self.capacity and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.free == self.capacity


def run_job(job: Job, item: Any, counts: JobCounts) -> None:
    """Do one item of work. Exceptions are logged and counted, not raised."""
    close_old_connections()
    try:
        job.work(item)
    except Exception as error:
        log.exception("job failed", job=job.name)
        counts.record_failure(job.name, error)
    else:
        counts.record_done(job.name)
