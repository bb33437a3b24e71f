"""What a web process does beside its requests: add up metrics, watch that a worker runs."""

import threading

import structlog
from django.db import DatabaseError, connections

from sequin_admin.core import clock, metrics
from sequin_admin.core.availability import is_told
from sequin_admin.health.worker_watch import WorkerWatch
from sequin_admin.limits import refusals

log = structlog.get_logger(__name__)
EVERY_S = 10
ENDS_IN_S = 5


class Background(threading.Thread):
    """Has a database connection only while it works."""

    def __init__(self) -> None:
        super().__init__(name="background", daemon=True)
        self.stopped = threading.Event()
        self.watch = WorkerWatch()

    def run(self) -> None:
        while not self.stopped.wait(EVERY_S):
            self.run_once()
        metrics.flush()
        refusals.flush()
        connections.close_all()

    def run_once(self) -> None:
        try:
            metrics.flush()
            refusals.flush()
            self.watch.look(clock.now())
        except DatabaseError as error:
            if not is_told(error):
                log.warning("background work not done", error=type(error).__name__)
        finally:
            connections.close_all()

    def stop(self) -> None:
        """Add up what is left, unless the database takes longer than `ENDS_IN_S`."""
        self.stopped.set()
        self.join(ENDS_IN_S)
