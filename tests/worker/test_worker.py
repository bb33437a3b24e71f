"""The worker and what starts it."""

import io
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from sequin_admin.core.env import ROOT
from sequin_admin.worker.jobs import JOBS, Job
from sequin_admin.worker.runner import Runner, attempt
from sequin_admin.worker.supervisor import Failed, Supervisor, require_free


def test_each_job_runs_once(transactional_db):
    ran = []

    Runner([Job("a", 1, lambda: ran.append("a")), Job("b", 1, lambda: ran.append("b"))]).run_once()

    assert ran == ["a", "b"]


def test_a_job_that_fails_does_not_stop_the_next(transactional_db, caplog):
    def fail() -> None:
        raise ValueError("no spice")

    ran = []
    Runner([Job("a", 1, fail), Job("b", 1, lambda: ran.append("b"))]).run_once()

    assert ran == ["b"]
    assert "job failed" in caplog.text


def test_jobs_run_again_until_told_to_stop(transactional_db):
    runner = Runner([])
    runs: list[int] = []

    def count() -> None:
        runs.append(1)
        if len(runs) == 3:
            runner.stop.set()

    runner.jobs = [Job("count", 0, count)]
    runner.run_forever()

    assert len(runs) == 3


def test_one_job_never_runs_twice_at_once(transactional_db):
    runner, lock, overlaps = Runner([]), threading.Lock(), []
    seen: list[int] = []

    def busy() -> None:
        if not lock.acquire(blocking=False):
            overlaps.append(1)
            return
        with lock_released(lock):
            seen.append(1)
            if len(seen) == 3:
                runner.stop.set()

    runner.jobs = [Job("busy", 0, busy)]
    runner.run_forever()

    assert overlaps == []


class lock_released:
    def __init__(self, lock: threading.Lock) -> None:
        self.lock = lock

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        self.lock.release()


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
@pytest.mark.django_db(transaction=True)
def test_every_real_job_runs(job, caplog):
    attempt(job)

    assert "job failed" not in caplog.text


def test_it_stops_when_asked(tmp_path):
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/worker.sqlite3"}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True
    )
    worker = subprocess.Popen(
        [sys.executable, "-u", "manage.py", "worker"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert "running" in worker.stdout.readline()

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(10) == 0
    worker.stdout.close()


def test_a_port_in_use_is_a_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(Failed, match=f"Port {port} is in use.*PORT={port + 100}"):
            require_free(port, "PORT")


def test_a_child_that_ends_by_itself_is_named():
    supervisor = Supervisor(io.StringIO())
    supervisor.start("web", ["-c", "raise SystemExit(3)"], os.environ)
    supervisor.children["web"].wait()

    with pytest.raises(Failed, match=r"web ended by itself \(exit code 3\)"):
        supervisor.check()
    supervisor.stop()


def test_children_are_stopped_together():
    supervisor = Supervisor(io.StringIO())
    for name in ("web", "worker"):
        supervisor.start(name, ["-c", "import time; time.sleep(60)"], os.environ)

    supervisor.stop()

    assert all(child.returncode is not None for child in supervisor.children.values())
