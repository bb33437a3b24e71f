"""The server in a process of its own, for every test that needs it."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sequin_admin.tools.supervisor import free_port, wait_for
from tests.patience import PATIENCE_S
from tests.simulator_server import ROOT


@pytest.fixture(scope="session")
def oauth_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server's URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.oauth_server.settings",
        "OAUTH_SERVER_DATABASE": str(tmp_path_factory.mktemp("toolkit") / "server.sqlite3"),
        "OAUTH_SERVER_URL": url,
    }
    options = {"cwd": ROOT, "env": environment}
    subprocess.run([sys.executable, "-m", "tests.oauth_server.prepare"], check=True, **options)
    command = [sys.executable, "-m", "gunicorn", "--threads", "8", "--log-level", "error"]
    command += ["--bind", f"127.0.0.1:{port}", "--no-control-socket"]
    process = subprocess.Popen([*command, "tests.oauth_server.wsgi:application"], **options)
    wait_for(f"{url}/me", name="OAuth server")
    yield url
    process.terminate()
    process.wait(PATIENCE_S)
