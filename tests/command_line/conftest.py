"""The program as a process of its own, on a running server with the simulator behind it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sequin_admin.access import keys
from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.kinds import KindShape, kind_out
from sequin_admin.command_line.formats import Shape, shapes_of
from sequin_admin.credentials import kinds
from tests.simulator_server import Simulator

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-P", "-m", "sequin_admin.command_line")


@dataclass(frozen=True)
class Ran:
    """What a call of the program left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def shapes() -> dict[str, Shape]:
    """Every kind, as the command line learns them from the server."""
    return shapes_of(KindShape.model_validate(kind_out(k)).model_dump() for k in kinds.all())


@pytest.fixture
def api_key(organization: Organization) -> str:
    scopes = [Scope.READ, Scope.WRITE, Scope.SECRETS]
    return keys.create(organization, name="terminal", scopes=scopes, actor=None)[1]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """That of a person without any settings yet."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}


@pytest.fixture
def bare(environment: dict[str, str], tmp_path: Path) -> Run:
    """Run it without telling it of a server."""

    def run(*arguments: object, stdin: str | bytes = "", **more: str) -> Ran:
        done = subprocess.run(
            [*PROGRAM, *map(str, arguments)],
            input=stdin if isinstance(stdin, bytes) else stdin.encode(),
            capture_output=True,
            cwd=tmp_path,
            env=environment | more,
            timeout=120,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def run(bare: Run, live_server: Any, settings: Any, api_key: str, simulated: Simulator) -> Run:
    """Run it as somebody who has set where the server is, and the key."""
    settings.PUBLIC_URL = live_server.url
    known = {"SEQUIN_URL": live_server.url, "SEQUIN_API_KEY": api_key}
    return lambda *arguments, **more: bare(*arguments, **{**known, **more})
