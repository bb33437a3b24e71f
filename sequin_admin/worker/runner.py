"""Runs jobs on time, each in its own thread, until it is told to stop."""

import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor

import structlog
from django.db import close_old_connections, connections

from sequin_admin.worker.jobs import Job

log = structlog.get_logger(__name__)
TICK_S = 0.2


class Runner:
    """`stop` may be set from a signal handler; jobs under way are allowed to finish."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.jobs = list(jobs)
        self.stop = threading.Event()

    def run_once(self) -> None:
        """Every job once, one after the other."""
        for job in self.jobs:
            attempt(job)

    def run_forever(self) -> None:
        due = {job.name: 0.0 for job in self.jobs}
        running: dict[str, Future[None]] = {}
        with ThreadPoolExecutor(len(self.jobs), thread_name_prefix="job") as pool:
            while not self.stop.is_set():
                for job in self.jobs:
                    busy = job.name in running and not running[job.name].done()
                    if not busy and time.monotonic() >= due[job.name]:
                        due[job.name] = time.monotonic() + job.every_s
                        running[job.name] = pool.submit(attempt, job)
                self.stop.wait(TICK_S)


def attempt(job: Job) -> None:
    """One run. A job that fails is logged and does not stop the others."""
    close_old_connections()
    try:
        done = job.run()
    except Exception:
        log.exception("job failed", job=job.name)
    else:
        if done:
            log.info("job done", job=job.name, count=done)
    finally:
        connections.close_all()
