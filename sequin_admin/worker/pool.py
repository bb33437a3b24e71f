"""Threads that do one job's work."""

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
    """At most `free` pieces may be handed over: a few more than there are threads, so that none
    waits for the next claim, and few enough that what stands in line does not stand long.

    The threads keep their database connections. They are daemons, which do not keep the process
    alive: what hangs when the worker must end is cut off.
    """

    def __init__(self, job: Job, size: int, tally: JobCounts, done: Callable[[], None]) -> None:
        self.job, self.size, self.tally, self.done = job, size, tally, done
        self.pieces: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.lock = threading.Lock()
        self.room = self.free = size + size // 4
        for _ in range(size):
            threading.Thread(target=self.serve, name=job.name, daemon=True).start()

    def put(self, piece: Any) -> None:
        with self.lock:
            self.free -= 1
        self.pieces.put(piece)

    def serve(self) -> None:
        while True:
            piece = self.pieces.get()
            if piece is SHUTDOWN:
                break
            attempt(self.job, piece, self.tally)
            with self.lock:
                self.free += 1
            self.done()
        connections.close_all()

    def end(self, by: float) -> bool:
        """Let what is under way end until `by` on the monotonic clock. Whether it did."""
        for _ in range(self.size):
            self.pieces.put(SHUTDOWN)
        while self.free < self.room and time.monotonic() < by:
            time.sleep(0.02)
        return self.free == self.room


def attempt(job: Job, piece: Any, tally: JobCounts) -> None:
    """Do one piece. What fails is logged and counted, and does not stop the others."""
    close_old_connections()
    try:
        job.work(piece)
    except Exception as error:
        log.exception("job failed", job=job.name)
        tally.failed(job.name, error)
    else:
        tally.done(job.name)
