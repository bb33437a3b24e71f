"""Runs jobs on time, in threads, until it is told to stop."""

import threading
import time
from collections.abc import Iterable

import structlog
from django.db import close_old_connections, connections

from sequin_admin.worker.jobs import Job, Stopped

log = structlog.get_logger(__name__)
TICK_S = 0.2
# How long jobs under way may go on after the signal; whoever stops us kills us 10 s after it.
GRACE_S = 8.0


class Runner:
    """`stop` may be set from a signal handler."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.jobs = list(jobs)
        self.stop = threading.Event()

    def run_once(self) -> None:
        """Every job once, one after the other."""
        for job in self.jobs:
            attempt(job, self.stop.is_set)

    def run_forever(self) -> None:
        due = {job.name: 0.0 for job in self.jobs}
        threads: list[threading.Thread] = []
        while not self.stop.is_set():
            threads = [thread for thread in threads if thread.is_alive()]
            for job in self.jobs:
                busy = sum(thread.name == job.name for thread in threads)
                if busy < job.at_once and time.monotonic() >= due[job.name]:
                    due[job.name] = time.monotonic() + job.every_s
                    threads.append(self.start(job))
            self.stop.wait(TICK_S)
        finish(threads)

    def start(self, job: Job) -> threading.Thread:
        # A daemon does not keep the process alive: after the grace a hanging call is cut off.
        args = (job, self.stop.is_set)
        thread = threading.Thread(target=attempt, args=args, name=job.name, daemon=True)
        thread.start()
        return thread


def finish(threads: Iterable[threading.Thread]) -> None:
    """Let runs under way end, for at most `GRACE_S` seconds together."""
    ends = time.monotonic() + GRACE_S
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))
        if thread.is_alive():
            log.warning("job cut off", job=thread.name)


def attempt(job: Job, stopped: Stopped) -> None:
    """One run. A job that fails is logged and does not stop the others."""
    close_old_connections()
    try:
        done = job.run(stopped)
    except Exception:
        log.exception("job failed", job=job.name)
    else:
        if done:
            log.info("job done", job=job.name, count=done)
    finally:
        connections.close_all()
