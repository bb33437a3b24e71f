"""The program in its own process, against a running server and the simulator."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sequin_admin.access import keys
from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.kinds import KindShape, kind_out
from sequin_admin.command_line.formats import Shape, shapes_of
from sequin_admin.credentials import kinds
from tests.command_line.forked import Forking
from tests.simulator_server import Simulator

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-P", "-m", "sequin_admin.command_line")


@dataclass(frozen=True)
class Ran:
    """Exit code and output of a call of the program."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def shapes() -> dict[str, Shape]:
    """Every kind, as the command line gets it from the server."""
    return shapes_of(KindShape.model_validate(kind_out(k)).model_dump() for k in kinds.all())


@pytest.fixture
def api_key(organization: Organization) -> str:
    scopes = [Scope.READ, Scope.WRITE, Scope.SECRETS]
    return keys.create(organization, name="terminal", scopes=scopes, actor=None)[1]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a user without settings."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}


@pytest.fixture(scope="session")
def forking() -> Iterator[Forking]:
    forking = Forking(ROOT)
    yield forking
    forking.end()


@pytest.fixture
def bare(environment: dict[str, str], tmp_path: Path, forking: Forking) -> Run:
    """Run the program without an address or key."""

    def run(*arguments: object, stdin: str | bytes = "", **more: str) -> Ran:
        done = forking.run(
            [*map(str, arguments)],
            stdin=stdin if isinstance(stdin, bytes) else stdin.encode(),
            cwd=tmp_path,
            env=environment | more,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def run(bare: Run, live_server: Any, settings: Any, api_key: str, simulated: Simulator) -> Run:
    """Run the program with the server's address and an API key."""
    settings.PUBLIC_URL = live_server.url
    known = {"SEQUIN_URL": live_server.url, "SEQUIN_API_KEY": api_key}
    return lambda *arguments, **more: bare(*arguments, **{**known, **more})
