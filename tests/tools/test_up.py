"""`manage.py up`, which is `make run`: starts and stops all processes."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from cryptography.fernet import Fernet

from sequin_admin.core.env import ROOT
from sequin_admin.tools.supervisor import free_port
from tests.patience import PATIENCE_S


class Up:
    """A `manage.py up` in its own folder."""

    def __init__(self, folder: Path) -> None:
        ports = {"PORT": free_port(), "SIMULATOR_PORT": free_port()}
        self.web, self.simulator = (f"http://127.0.0.1:{port}" for port in ports.values())
        self.environment = {
            **os.environ,
            **{name: str(port) for name, port in ports.items()},
            "DATA_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder}/sequin_admin.sqlite3",
            "PYTHONUNBUFFERED": "1",
        }
        self.process: subprocess.Popen[str] | None = None

    def start(self, **environment: str) -> str:
        """Start it; returns its output until it is up or has failed."""
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--demo-credentials=7", "--demo-days=3"],
            cwd=ROOT,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if "Ctrl-C stops everything" in line:
                break
        return "".join(lines)

    def children(self) -> list[int]:
        """Its processes in starting order: simulator, web, worker, then those of the demo."""
        pid = self.process.pid
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Stop it; returns the exit code and the remaining output."""
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, rest


@pytest.fixture(scope="module")
def first_start(tmp_path_factory) -> Iterator[tuple[Up, str]]:
    """The product started in an empty folder, and what it said."""
    up = Up(tmp_path_factory.mktemp("first"))
    said = up.start()
    yield up, said
    if up.process.poll() is None:
        up.end()


@pytest.fixture
def up(first_start, tmp_path) -> Iterator[Up]:
    """What a first start left, in a folder of its own."""
    first, _ = first_start
    if first.process.poll() is None:
        first.end()
    folder = shutil.copytree(first.environment["DATA_DIR"], tmp_path / "copy")
    up = Up(folder)
    yield up
    if up.process and up.process.poll() is None:
        up.end()


def answers(url):
    try:
        return httpx2.get(url, timeout=PATIENCE_S, trust_env=False).status_code
    except httpx2.ConnectError:
        return None


def log_in(web, said):
    """Log in through the form, with the printed login."""
    email, password = re.search(r"Login +(\S+) +(\S+)", said).groups()
    with httpx2.Client(base_url=web, timeout=PATIENCE_S, trust_env=False) as browser:
        page = browser.get("/accounts/login/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
        form = {"csrfmiddlewaretoken": token, "login": email, "password": password}
        browser.post("/accounts/login/", data=form)
        return browser.get("/credentials/").text


def test_the_printed_login_opens_a_filled_demo(first_start):
    first, said = first_start
    page = log_in(first.web, said)
    assert "CheckoutChamp" in page
    assert "Healthy" in page
    assert answers(first.simulator) == 200
    nowhere = httpx2.get(f"{first.web}/no-such-page/", timeout=PATIENCE_S, trust_env=False)
    assert "There is nothing here" in nowhere.text

    code, rest = first.end()

    assert (code, rest.strip().splitlines()[-1]) == (0, "Stopped.")
    assert (answers(first.web), answers(first.simulator)) == (None, None)


def test_a_second_start_keeps_it_and_when_one_process_ends_the_others_are_stopped(up):
    said = up.start()

    assert "Preparing" not in said
    assert "Filling" not in said
    assert "CheckoutChamp" in log_in(up.web, said)

    os.kill(up.children()[2], signal.SIGKILL)
    said, _ = up.process.communicate(timeout=PATIENCE_S)

    assert up.process.returncode == 1
    assert "The worker ended by itself" in said
    assert (answers(up.web), answers(up.simulator)) == (None, None)


def test_a_database_of_another_version_is_refused_in_a_sentence_and_left_alone(tmp_path):
    up, file = Up(tmp_path), tmp_path / "sequin_admin.sqlite3"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE django_migrations (id INTEGER, app, name, applied)")
        row = (1, "notices", "0001_initial", "2026-11-23 12:00:00")
        database.execute("INSERT INTO django_migrations VALUES (?, ?, ?, ?)", row)
        database.commit()
        before = list(database.iterdump())

    said = up.start()
    up.process.communicate(timeout=PATIENCE_S)

    assert up.process.returncode == 1
    assert "was made by another version of Sequin Admin" in said
    assert "Move it away and start again" in said
    assert "Traceback" not in said
    with closing(sqlite3.connect(file)) as database:
        assert list(database.iterdump()) == before


def test_a_key_that_does_not_open_the_database_is_refused_in_a_sentence(up):
    said = up.start(FIELD_ENCRYPTION_KEY=Fernet.generate_key().decode())

    assert up.process.wait(PATIENCE_S) == 1
    assert "No key in FIELD_ENCRYPTION_KEY opens" in said
    assert answers(up.simulator) is None
    up.process.stdout.close()
