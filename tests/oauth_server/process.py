"""The server in a process of its own, for every test that needs it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sequin_admin.tools.supervisor import free_port, wait_for
from tests.patience import PATIENCE_S
from tests.simulator_server import ROOT


@pytest.fixture(scope="session")
def oauth_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server's URL."""
    with serving(tmp_path_factory.mktemp("toolkit")) as url:
        wait_for(f"{url}/me", name="OAuth server")
        yield url


@contextmanager
def serving(folder: Path, certificate: Path | None = None) -> Iterator[str]:
    """The URL of a server that starts: https with a file that has a certificate and its key."""
    port = free_port()
    url = f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.oauth_server.settings",
        "OAUTH_SERVER_DATABASE": str(folder / "server.sqlite3"),
        "OAUTH_SERVER_URL": url,
    }
    options = {"cwd": ROOT, "env": environment}
    subprocess.run([sys.executable, "-m", "tests.oauth_server.prepare"], check=True, **options)
    command = [sys.executable, "-m", "gunicorn", "--threads", "8", "--log-level", "error"]
    command += ["--bind", f"127.0.0.1:{port}", "--no-control-socket"]
    if certificate:
        command += ["--certfile", str(certificate), "--keyfile", str(certificate)]
    process = subprocess.Popen([*command, "tests.oauth_server.wsgi:application"], **options)
    yield url
    process.terminate()
    process.wait(PATIENCE_S)
