"""`manage.py worker`: runs the background jobs, such as renewing tokens and probing."""

import signal
from argparse import ArgumentParser
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sequin_admin.core import shutdown, statement_limits, tracing
from sequin_admin.core.checks import refuse_unusable_database
from sequin_admin.limits import limiter
from sequin_admin.worker.health_port import HealthServer
from sequin_admin.worker.jobs import JOBS
from sequin_admin.worker.runner import THREADS, Runner


class Command(BaseCommand):
    # As in a web process: they load all pages and the API, and are for `check` and `migrate`.
    requires_system_checks: list[str] = []
    help = "Renew tokens ahead of expiry, probe credentials, clean up. Run as many as you like."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="Do all that is due and end.")
        parser.add_argument(
            "--threads",
            type=int,
            default=THREADS,
            help="How many calls are made at the same time by all jobs together; a worker has two "
            f"connections to the database more ({THREADS}).",
        )
        parser.add_argument(
            "--health-port",
            type=int,
            help="Answer GET /healthz here, for a supervisor: 503 when the worker hangs.",
        )

    def handle(
        self, *args: Any, once: bool, threads: int, health_port: int | None, **options: Any
    ) -> None:
        if threads < 1:
            raise CommandError("A worker needs at least 1 thread.")
        statement_limits.limit_process(statement_limits.for_worker())
        refuse_unusable_database()
        limiter.log_risks()
        tracing.start("worker")
        runner = Runner(JOBS, threads)

        def stop(*args: object) -> None:
            shutdown.request()
            runner.stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        try:
            self.run(runner, once, health_port)
        finally:
            tracing.close()

    def run(self, runner: Runner, once: bool, health_port: int | None) -> None:
        if once:
            runner.run_once()
            return
        with answering(health_port, runner):
            self.stdout.write("The worker is running.")
            runner.run_forever()


def answering(port: int | None, runner: Runner) -> AbstractContextManager[object]:
    """Raises `CommandError` for a port that is taken."""
    if port is None:
        return nullcontext()
    try:
        return HealthServer(port, runner.goes_on)
    except OSError as error:
        raise CommandError(f"Port {port} can't be used for /healthz: {error.strerror}.") from None
