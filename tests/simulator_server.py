"""Runs the provider simulator in its own process, with its own database and real HTTP."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from sequin_admin.tools.supervisor import free_port
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[1]
CALLBACK_BASE = "http://127.0.0.1:8000"


class Simulator:
    """One simulator process. `url` is where it listens."""

    def __init__(self, *, redirect_bases: str = CALLBACK_BASE, port: int = 0) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.redirect_bases = redirect_bases
        self.folder = tempfile.TemporaryDirectory()
        # gunicorn ends an idle connection after 2 seconds, perhaps as we send the next request.
        never_idle = httpx2.Limits(max_keepalive_connections=0)
        self.http = httpx2.Client(timeout=PATIENCE_S, trust_env=False, limits=never_idle)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Simulator":
        self.begin()
        self.wait()
        return self

    def command(self) -> list[str]:
        command = [sys.executable, "-m", "gunicorn", "--threads", "16", "--log-level", "error"]
        command += ["--bind", f"127.0.0.1:{self.port}", "--no-control-socket"]
        # Do not wait for calls that stall on purpose.
        return [*command, "--graceful-timeout", "1", "sequin_admin.simulator.wsgi:application"]

    def begin(self) -> None:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "sequin_admin.simulator.settings",
            "SIMULATOR_DATABASE": str(Path(self.folder.name) / "simulator.sqlite3"),
            "SIMULATOR_REDIRECT_BASES": self.redirect_bases,
        }
        self.process = subprocess.Popen(self.command(), cwd=ROOT, env=environment)

    def wait(self) -> None:
        """Until it answers. Raises `RuntimeError` when it has ended, or has not after minutes."""
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends and self.process and self.process.poll() is None:
            try:
                self.http.get(f"{self.url}/clock/").raise_for_status()
            except httpx2.HTTPError:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError("The simulator did not start.")

    def stop(self) -> None:
        self.end_process()
        self.http.close()
        self.folder.cleanup()

    def restart(self) -> None:
        """Restart the process with the same database."""
        self.end_process()
        self.start()

    def end_process(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(PATIENCE_S)

    def url_for(self, real: str) -> str:
        return real if real.startswith(self.url) else f"{self.url}/{real.removeprefix('https://')}"

    def post(self, path: str, **data: Any) -> None:
        self.http.post(f"{self.url}/control-api/{path}", json=data).raise_for_status()

    def reset(self) -> None:
        self.post("reset")

    def clock(self, advance_s: float | None) -> None:
        self.post("clock", advance_s=advance_s)

    def stop_clock(self) -> None:
        """Stop the clock until the next reset; `clock` still advances it."""
        self.post("clock", stop=True)

    def act(self, provider: str, account: str, action: str, **data: Any) -> None:
        self.post(f"{provider}/accounts/{account}/{action}", **data)

    def fault(self, provider: str, name: str, times: int | None = None) -> None:
        self.post(f"{provider}/faults", name=name, times=times)

    def set_count(self, provider: str, account: str, count: int, collection: str = "") -> None:
        """Begin again with so many rows in a collection of the account, or in all."""
        self.post(f"{provider}/accounts/{account}/rows", count=count, collection=collection)

    def set_heart(self, provider: str, account: str, per_hour: float) -> None:
        self.post(f"{provider}/accounts/{account}/heart", per_hour=per_hour)

    def rows(
        self, provider: str, account: str, collection: str, at: str = "", after: object = ""
    ) -> dict[str, Any]:
        """What the oracle knows of a collection at a moment, by default now: a page, from `after`
        on."""
        query = {"collection": collection, "at": at, "after": str(after)}
        answer = self.http.get(f"{self.url}/control/{provider}/{account}/rows", params=query)
        page: dict[str, Any] = answer.raise_for_status().json()
        return page

    def app(self, provider: str, owner: str = "") -> dict[str, Any]:
        """Our app at the provider, or the app of the customer whose account is `owner`."""
        url = f"{self.url}/control-api/{provider}/app"
        answer: dict[str, Any] = self.http.get(url, params={"owner": owner}).json()
        return answer

    def account(self, provider: str, account: str) -> dict[str, Any]:
        answer = self.http.get(f"{self.url}/control-api/{provider}/accounts").json()
        row: dict[str, Any] = next(a for a in answer["data"] if a["id"] == account)
        return row

    def change_app(self, provider: str, **fields: Any) -> None:
        self.post(f"{provider}/app/change", **fields)

    def rotate_app_secret(self, provider: str) -> str:
        """To another one each time, which it returns: a reset keeps the secrets of apps."""
        secret = f"rotated-{uuid4()}"
        self.change_app(provider, client_secret=secret)
        return secret

    def state(self) -> dict[str, Any]:
        """The clock, and each account with its active switches."""
        answer: dict[str, Any] = self.http.get(f"{self.url}/control-api/state").json()
        return answer

    def calls(self, provider: str) -> list[dict[str, Any]]:
        answer = self.http.get(f"{self.url}/control-api/{provider}/calls").json()
        rows: list[dict[str, Any]] = answer["data"]
        return rows

    def consent(self, authorize_url: str, *, account: str, allow: bool = True) -> str:
        """Choose `account` on the consent page and press a button. Returns the callback's URL."""
        page = self.http.get(self.url_for(authorize_url))
        assert page.status_code == 200, re.sub(r"<style>.*</style>", "", page.text, flags=re.S)
        decision = {"account": account, "allow" if allow else "deny": "1"}
        answer = self.http.post(self.url_for(authorize_url), data=decision)
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])


def local(url: str) -> str:
    """A URL of ours as a path for Django's test client."""
    return url.removeprefix(CALLBACK_BASE)


@pytest.fixture(scope="session")
def simulator_process() -> Iterator[Simulator]:
    simulator = Simulator().start()
    yield simulator
    simulator.stop()


@pytest.fixture
def simulator(simulator_process: Simulator) -> Simulator:
    """A simulator after a reset."""
    simulator_process.reset()
    return simulator_process
