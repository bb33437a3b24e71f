"""Counters of this worker process, by job."""

import threading
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from sequin_admin.core import clock


class JobCounts:
    """Thread-safe counts, times and error types by job. Contains no data of any organization."""

    def __init__(self, names: Iterable[str]) -> None:
        self.lock = threading.Lock()
        self.jobs: dict[str, dict[str, Any]] = {
            name: {"done": 0, "failed": 0, "ran_at": None, "error": "", "error_at": None}
            for name in names
        }

    def record_done(self, name: str) -> None:
        with self.lock:
            job = self.jobs[name]
            job["done"] += 1
            job["ran_at"] = clock.now().isoformat()

    def record_failure(self, name: str, error: Exception) -> None:
        """Record the error's type only: its text may contain data of an organization."""
        with self.lock:
            job, now = self.jobs[name], clock.now().isoformat()
            job["failed"] += 1
            job["ran_at"] = job["error_at"] = now
            job["error"] = f"It failed with {type(error).__name__}; the worker's log says more."

    def snapshot(self) -> dict[str, dict[str, Any]]:
        with self.lock:
            return deepcopy(self.jobs)
