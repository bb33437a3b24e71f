"""Benchmark of dlt on our tokens and runs, beside dlt with a token in its configuration."""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import connection
from django.test import override_settings

from sequin_admin.access import keys
from sequin_admin.access.models import Organization, Scope
from sequin_admin.connect import credential_operations
from sequin_admin.core.env import ROOT, inherited
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import Rate
from sequin_admin.limits.models import set_limit
from sequin_admin.syncs import consumers, syncs, targets
from sequin_admin.tools.benchmarks import load, permits
from sequin_admin.tools.engine_stack import PYTHON
from sequin_admin.tools.simulator import SimulatorControl
from sequin_admin.tools.supervisor import SIMULATOR, Supervisor, free_port, gunicorn

ROWS, ROUNDS = 20_000, 3
ACCOUNT, COLLECTION = "acct_1Arrakis0000001", "stripe:customer"
# Above what the simulator can answer, so that neither waits for a permit.
RATE = Rate(allowed_requests=95, interval=1000, max_concurrent_requests=0)
MOST_SLOWER = 0.15
PASSWORD = "bench"  # noqa: S105 - of a database on loopback that is deleted


def measure(organization: Organization, rows: int = ROWS, rounds: int = ROUNDS) -> dict[str, Any]:
    """By turns: rows a second, processor time and the most memory of each, and how much slower ours
    is: by the clock, and by the processor time, which other programs do not change."""
    if connection.vendor != "postgresql" or not PYTHON.exists():
        raise CommandError(
            "Run make engine, and python -m tests.postgres manage.py bench --engine."
        )
    figures: dict[str, list[dict[str, float]]] = {"ours": [], "plain": []}
    with Stand(organization, rows).running() as stand:
        for number in range(rounds):
            for name in figures:
                figures[name].append(stand.load(name, number))
    shown = {name: summary(found, rows) for name, found in figures.items()}
    ratio = shown["ours"]["rows_per_s"] / shown["plain"]["rows_per_s"]
    cpu_ratio = shown["plain"]["cpu_s"] / shown["ours"]["cpu_s"]
    return {
        **shown,
        "slower": round(1 - ratio, 3),
        "slower_by_cpu": round(1 - cpu_ratio, 3),
        "allowed": MOST_SLOWER,
        "too_slow": 1 - ratio > MOST_SLOWER,
    }


def summary(found: list[dict[str, float]], rows: int) -> dict[str, float]:
    seconds, cpu_s = (statistics.median(each[of] for each in found) for of in ("seconds", "cpu_s"))
    peak_mb = max(each["peak_mb"] for each in found)
    return {"rows_per_s": round(rows / seconds), "cpu_s": cpu_s, "peak_mb": peak_mb}


class Stand:
    """Simulator, target and our API, each with what a load needs."""

    def __init__(self, organization: Organization, rows: int) -> None:
        self.organization, self.rows = organization, rows
        self.folder = Path(tempfile.mkdtemp(prefix="sequin-bench-"))
        self.simulator = f"http://127.0.0.1:{free_port()}"
        self.target_port = free_port()

    @contextmanager
    def running(self) -> Iterator["Stand"]:
        supervisor = Supervisor(sys.stderr)
        try:
            self.start_processes(supervisor)
            with (
                permits.redis_server() as redis,
                load.serve(SIMULATOR_URL=self.simulator, DEBUG="True", REDIS_URL=redis) as port,
            ):
                self.url = f"http://127.0.0.1:{port}"
                with override_settings(SIMULATOR_URL=self.simulator):
                    self.make_rows()
                yield self
        finally:
            supervisor.stop()
            shutil.rmtree(self.folder, ignore_errors=True)

    def start_processes(self, supervisor: Supervisor) -> None:
        environment = {
            **inherited(),
            "DJANGO_SETTINGS_MODULE": "sequin_admin.simulator.settings",
            "SIMULATOR_DATABASE": str(self.folder / "simulator.sqlite3"),
        }
        port = int(self.simulator.rpartition(":")[2])
        command = gunicorn(SIMULATOR, port, 8)
        supervisor.start("simulator", command, environment)
        (self.folder / "password").write_text(PASSWORD)
        self.folder.chmod(0o755)
        module = "sequin_admin.tools.target_server"
        arguments = [str(self.folder / "target"), str(self.target_port)]
        command = ["-W", "ignore", "-m", module, *arguments, str(self.folder / "password")]
        supervisor.start("target", command, inherited(), python=str(PYTHON))
        supervisor.wait_for("simulator", f"{self.simulator}/clock/")
        supervisor.wait_for_port("target", self.target_port)

    def make_rows(self) -> None:
        with SimulatorControl(self.simulator) as simulator:
            simulator.post(f"stripe/accounts/{ACCOUNT}/rows", count=self.rows)
            accounts = simulator.get("stripe/accounts")["data"]
        self.token = next(row["live_key"] for row in accounts if row["id"] == ACCOUNT)
        kind = kinds.get("stripe_key")
        properties = kind.properties_class.model_validate(
            {"kind": kind.slug, "name": "Bench", "secret": self.token, "test": False}
        )
        saved = credential_operations.save_credential(self.organization, properties, actor=None)
        self.credential = saved.credential
        set_limit(self.credential, RATE, actor=None)
        _, self.key = keys.create(self.organization, name="engine", scopes=[Scope.RUNS], actor=None)
        target = targets.create(
            self.organization,
            actor=None,
            name="Target",
            host="127.0.0.1",
            port=self.target_port,
            database="warehouse",
            username="sequin",
            password=PASSWORD,
            ssl_mode="disable",
        )
        consumers.create(self.organization, actor=None, name="All", target=target, all_syncs=True)

    def load(self, name: str, number: int) -> dict[str, float]:
        """Seconds, and the most memory in MB, of a process that reads and writes all rows."""
        sync = syncs.create(
            self.credential, actor=None, name=f"{name} {number}", collection_ids=[COLLECTION]
        )
        given = {
            **{"url": self.url, "key": self.key, "sync_id": str(sync.pk)},
            **{"token": self.token, "base_url": f"{self.simulator}/api.stripe.com"},
            "target": f"postgresql://sequin:{PASSWORD}@127.0.0.1:{self.target_port}/warehouse",
            **{"dataset": f"plain_{number}", "folder": str(self.folder / f"plain-{number}")},
        }
        done = subprocess.run(  # noqa: S603 - our own module
            [str(PYTHON), "-m", "sequin_admin.tools.benchmarks.engine_worker", name],
            input=json.dumps(given),
            env={**inherited(), "PYTHONPATH": str(ROOT), "RUNTIME__DLTHUB_TELEMETRY": "false"},
            cwd=ROOT,
            text=True,
            check=True,
            stdout=subprocess.PIPE,
        )
        figures: dict[str, float] = json.loads(done.stdout)
        return figures
