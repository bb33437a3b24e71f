"""A test network: every https host resolves to the simulator, which has a CA of its own.

The SDKs run unchanged: with the providers' real hosts, checking certificates. Only the CA is set,
by the variables that OpenSSL and requests read.
"""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from tests.patience import PATIENCE_S
from tests.simulator_server import ROOT, Simulator

HTTPS = 443
NODE_FOLDER = Path(__file__).with_name("node")
OLDEST_NODE = 20


class SecureSimulator(Simulator):
    """A simulator with TLS: `manage.py tls`. `ca` is the file to trust."""

    def __init__(self) -> None:
        super().__init__()
        self.url = f"https://127.0.0.1:{self.port}"
        self.ca = Path(self.folder.name, "tls", "ca.pem")

    def command(self) -> list[str]:
        folder = str(self.ca.parent)
        return [
            sys.executable,
            str(ROOT / "manage.py"),
            "tls",
            "--port",
            str(self.port),
            "--folder",
            folder,
        ]

    def start(self) -> "SecureSimulator":
        self.begin()
        ends = time.monotonic() + 60
        while not self.ca.exists() and time.monotonic() < ends:
            time.sleep(0.05)
        self.http.close()
        trusted = ssl.create_default_context(cafile=str(self.ca))
        self.http = httpx2.Client(timeout=PATIENCE_S, trust_env=False, verify=trusted)
        self.wait()
        return self


@pytest.fixture(scope="session")
def simulator_process() -> Iterator[Simulator]:
    simulator = SecureSimulator().start()
    yield simulator
    simulator.stop()


@pytest.fixture
def trusted(simulator: SecureSimulator) -> str:
    """The CA file."""
    return str(simulator.ca)


@pytest.fixture(autouse=True)
def _network(simulator: SecureSimulator, trusted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve names to the simulator, use no proxy, and trust its certificate."""
    resolve = socket.getaddrinfo

    def find(host, port, *args, **kwargs):
        if port not in (HTTPS, simulator.port):
            return resolve(host, port, *args, **kwargs)
        return resolve("127.0.0.1", simulator.port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", find)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, trusted)


@pytest.fixture
def consent(simulator: Simulator) -> Callable[[str, str], dict[str, str]]:
    """Press Allow for an account at an authorize URL; returns the callback's parameters."""

    def allow(url: str, account: str) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(simulator.consent(url, account=account)).query))

    return allow


@pytest.fixture
def oracle(simulator: Simulator) -> Callable[[str, str, str], dict[str, Any]]:
    """The rows of a collection of an account (`provider, account, collection`), by id, as they are
    now."""

    def rows(provider: str, account: str, collection: str) -> dict[str, Any]:
        known = simulator.rows(provider, account, collection)["rows"]
        return {one["id"]: one["row"] for one in known}

    return rows


def node_version(command: str) -> int:
    """20 of v20.20.2"""
    told = subprocess.run([command, "--version"], stdout=subprocess.PIPE, text=True, check=True)
    return int(told.stdout.lstrip("v").partition(".")[0])


@pytest.fixture(scope="session")
def node() -> str:
    """The command, once the locked packages are there."""
    command = shutil.which("node")
    if command is None or node_version(command) < OLDEST_NODE:
        lacking = f"This machine has no Node {OLDEST_NODE} or newer"
        if os.environ.get("REQUIRE_ALL_LEGS"):
            pytest.fail(f"REQUIRE_ALL_LEGS is set. {lacking}: the npm SDKs need it.")
        pytest.skip(f"{lacking}: the providers' npm SDKs are left out.")
    lock, done = (NODE_FOLDER / name for name in ("package-lock.json", "node_modules/.done"))
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--silent"], cwd=NODE_FOLDER, check=True, timeout=300)
        done.touch()
    return command
