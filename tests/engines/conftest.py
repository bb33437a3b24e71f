"""dlt against the living simulator and a real PostgreSQL, in processes of `.venv-engine`."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from sequin_admin.core.env import ROOT
from tests.engines.world import World
from tests.postgres_cluster import Cluster

PROGRAM = "from tests.engines.held import main; main()"
PYTHON = ROOT / ".venv-engine" / "bin" / "python"


@pytest.fixture(scope="session")
def engine_python() -> str:
    if not (ROOT / ".venv-engine" / ".engine").exists():
        missing = "The drills with dlt are left out: `make engine` installs what they need."
        if os.environ.get("REQUIRE_ALL_LEGS"):
            pytest.fail(missing)
        pytest.skip(missing)
    return str(PYTHON)


@pytest.fixture(scope="session")
def target_server() -> Iterator[Cluster]:
    """A PostgreSQL with the database `warehouse`, which a test may stop and start again."""
    made = Cluster()
    try:
        made.make().start()
        made.sql("CREATE DATABASE warehouse")
        made.sql("CREATE ROLE sequin LOGIN")
        made.sql("GRANT CREATE ON DATABASE warehouse TO sequin")
        yield made
    finally:
        made.kill()


@pytest.fixture
def clean_target(target_server: Cluster) -> Cluster:
    """Without the schemas of other tests."""
    listed = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'records%'"
    for (name,) in target_server.sql(listed, "warehouse"):
        dropped = sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(str(name)))
        target_server.sql(dropped.as_string(), "warehouse")
    return target_server


@pytest.fixture
def world(
    engine_python: str, clean_target: Cluster, request: pytest.FixtureRequest
) -> Iterator[World]:
    names = ("live_server", "simulated", "organization", "connected", "settings")
    made = World(engine_python, clean_target, *map(request.getfixturevalue, names))
    yield made
    made.stop()


class Held:
    """Loads of runs that no server knows, by one process, and the tables that they leave: in a
    target that has the schema `named`, in the sync's `schema`."""

    schema, named = "records_5b9c1f60aaaa", "records"

    def __init__(self, python: str) -> None:
        self.python, self.fence = python, 0
        self.server: Cluster
        self.process: subprocess.Popen[str] | None = None

    def start(self, folder: Path = ROOT, **environment: str) -> None:
        """A process of its own in this folder, with this environment."""
        self.stop()
        known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [self.python, "-c", PROGRAM],
            cwd=folder,
            env={**known, **environment},
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def load(self, *runs: dict[str, Any]) -> list[list[dict[str, Any]]]:
        """Carry out the runs. Returns their reports."""
        if self.process is None:
            self.start()
        target = json.loads(self.told())
        self.fence += 1
        self.process.stdin.write(
            json.dumps({"target": target, "runs": runs, "fence": self.fence}) + "\n"
        )
        self.process.stdin.flush()
        reports: list[list[dict[str, Any]]] = json.loads(self.process.stdout.readline())
        return reports

    def told(self) -> str:
        """How to connect to the target."""
        return json.dumps(
            {
                **{"host": "localhost", "hostaddr": "127.0.0.1", "port": self.server.port},
                **{"database": "warehouse", "username": "sequin", "password": "spice"},
                **{"ssl_mode": "disable", "ssl_root_cert": None, "schema": self.named},
            }
        )

    def run(self, code: str, told: str = "") -> str:
        """What a process of the engine prints, which is told something."""
        done = subprocess.run(
            [self.python, "-c", code],
            text=True,
            cwd=ROOT,
            input=told,
            stdout=subprocess.PIPE,
            check=True,
        )
        return done.stdout

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        return self.server.sql(statement.format(schema=self.schema), "warehouse")

    def stop(self) -> None:
        if self.process:
            self.process.communicate()
            self.process = None


@pytest.fixture(scope="module")
def held_process(engine_python: str) -> Iterator[Held]:
    made = Held(engine_python)
    yield made
    made.stop()


@pytest.fixture
def held(held_process: Held, clean_target: Cluster) -> Held:
    held_process.server = clean_target
    return held_process
