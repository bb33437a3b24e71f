"""`manage.py up`: runs the development stack, simulator included. `make run` calls it."""

import signal
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from sequin_admin.access.models import User
from sequin_admin.core.checks import refuse_unusable_database
from sequin_admin.core.env import env, inherited
from sequin_admin.demo.models import Demo
from sequin_admin.tools.engine_stack import require_engine, start_engine
from sequin_admin.tools.management.commands.demo import CREDENTIALS, DAYS, LOGIN, WORKER_KEY
from sequin_admin.tools.supervisor import (
    SIMULATOR,
    ProcessFailed,
    Supervisor,
    gunicorn,
    require_free,
)


class Command(BaseCommand):
    help = "Start web, worker and provider simulator on loopback; Ctrl-C stops all three."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo-credentials", type=int, default=CREDENTIALS)
        parser.add_argument("--demo-days", type=int, default=DAYS)

    def handle(self, *args: Any, **options: Any) -> None:
        supervisor = Supervisor(self.stdout)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, interrupt)
        try:
            self.start(supervisor, [options["demo_credentials"], options["demo_days"]])
            supervisor.watch()
        except ProcessFailed as failure:
            self.stderr.write(str(failure))
            raise SystemExit(1) from None
        except KeyboardInterrupt:
            self.stdout.write("Stopping, once the calls under way have ended...")
        finally:
            # A second Ctrl-C must not interrupt stopping the children.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            supervisor.stop()
        self.stdout.write("Stopped.")

    def start(self, supervisor: Supervisor, demo: Sequence[int]) -> None:
        port = env.int("PORT", default=8000)
        simulator_port = env.int("SIMULATOR_PORT", default=8001)
        require_free(port, "PORT")
        require_free(simulator_port, "SIMULATOR_PORT")
        has_engine = env.bool("ENGINE", default=False)
        if has_engine:
            require_engine()
        settings.DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_unusable_database(migrated=False)
        web, simulator = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{simulator_port}"
        shared = {**inherited(), "PUBLIC_URL": web, "SIMULATOR_URL": simulator}
        simulator_environment = {
            **shared,
            "DJANGO_SETTINGS_MODULE": "sequin_admin.simulator.settings",
            "SIMULATOR_DATABASE": str(settings.DATA_DIR / "simulator.sqlite3"),
            "SIMULATOR_REDIRECT_BASES": f"{web},http://localhost:{port}",
        }
        supervisor.start(
            "simulator",
            gunicorn(SIMULATOR, simulator_port, 8),
            simulator_environment,
        )
        self.prepare_database()
        supervisor.start("web", gunicorn("sequin_admin.wsgi", port, 8), shared)
        if not User.objects.exists():
            self.stdout.write("Filling in demo data...")
            supervisor.wait_for("simulator", f"{simulator}/clock/")
            call_demo(supervisor, shared, demo)
        supervisor.start("worker", ["manage.py", "worker"], shared)
        supervisor.wait_for("simulator", f"{simulator}/clock/")
        supervisor.wait_for("web", f"{web}/healthz")
        self.announce(web, simulator)
        start_demo(supervisor, shared)
        if has_engine:
            start_engine(supervisor, shared)
        connection.close()

    def prepare_database(self) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stdout.write("Preparing the database...")
            call_command("migrate", verbosity=0)

    def announce(self, web: str, simulator: str) -> None:
        login = LOGIN.read_text().strip() if LOGIN.exists() else "as you have set it up"
        self.stdout.write(
            f"\n  Sequin Admin   {web}\n  Login          {login}\n"
            f"  Simulator      {simulator}   (stands in for every provider)\n"
            "\n  Ctrl-C stops everything.\n"
        )


def interrupt(*args: Any) -> None:
    """Handle SIGTERM and SIGHUP like Ctrl-C, so that the children are stopped."""
    raise KeyboardInterrupt


def start_demo(supervisor: Supervisor, environment: dict[str, str]) -> None:
    """Start what goes on behind the demo: its history, until it is complete, and its worker."""
    demos = Demo.objects.filter(ready_at__isnull=False)
    if any(not demo.has_all_history for demo in demos):
        supervisor.start("history", ["manage.py", "demo_history"], environment, may_end=True)
    if any(demo.metered for demo in demos) and WORKER_KEY.exists():
        supervisor.start("demo", ["manage.py", "demo_worker"], environment, may_end=True)


def call_demo(supervisor: Supervisor, environment: dict[str, str], sizes: Sequence[int]) -> None:
    """Run `demo` in a child process, which gets the simulator's address in its settings."""
    credentials, days = map(str, sizes)
    command = ["manage.py", "demo", "--credentials", credentials, "--days", days]
    supervisor.start("demo", command, environment)
    demo = supervisor.children.pop("demo")
    if demo.wait():
        raise ProcessFailed("The demo data could not be written; its output above says why.")
