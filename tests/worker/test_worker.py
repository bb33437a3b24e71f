"""The worker and what starts it."""

import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest

from sequin_admin.connect import tokens
from sequin_admin.connect.models import Token
from sequin_admin.core import clock
from sequin_admin.core.env import ROOT
from sequin_admin.health import probes
from sequin_admin.health.models import Check
from sequin_admin.worker import runner as runner_module
from sequin_admin.worker.jobs import JOBS, Job, Stopped
from sequin_admin.worker.runner import Runner, attempt
from sequin_admin.worker.supervisor import Failed, Supervisor, require_free
from tests.factories import make_credential


def test_each_job_runs_once(transactional_db):
    ran = []
    jobs = [Job(name, 1, lambda stopped, name=name: ran.append(name)) for name in "ab"]

    Runner(jobs).run_once()

    assert ran == ["a", "b"]


def test_a_job_that_fails_does_not_stop_the_next(transactional_db, caplog):
    def fail(stopped: Stopped) -> None:
        raise ValueError("no spice")

    ran = []
    Runner([Job("a", 1, fail), Job("b", 1, lambda stopped: ran.append("b"))]).run_once()

    assert ran == ["b"]
    assert "job failed" in caplog.text


def test_jobs_run_again_until_told_to_stop(transactional_db):
    runner = Runner([])
    runs: list[int] = []

    def count(stopped: Stopped) -> None:
        runs.append(1)
        if len(runs) == 3:
            runner.stop.set()

    runner.jobs = [Job("count", 0, count)]
    runner.run_forever()

    assert len(runs) == 3


@pytest.mark.parametrize("at_once", [1, 3])
def test_others_join_a_run_that_takes_long(transactional_db, at_once):
    runner, lock, release = Runner([]), threading.Lock(), threading.Event()
    busy = most = 0

    def wait_for_the_others(stopped: Stopped) -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        release.wait(10)
        with lock:
            busy -= 1

    def end(stopped: Stopped) -> None:
        """Its tenth run: by then everybody who may join has joined."""
        ticks.append(1)
        if len(ticks) == 10:
            runner.stop.set()
            release.set()

    ticks: list[int] = []
    runner.jobs = [Job("slow", 0, wait_for_the_others, at_once=at_once), Job("end", 0, end)]
    runner.run_forever()

    assert most == at_once


def test_a_run_under_way_learns_that_it_must_end(transactional_db):
    runner = Runner([])
    asked: list[bool] = []

    def stop_and_ask(stopped: Stopped) -> None:
        asked.append(stopped())
        runner.stop.set()
        asked.append(stopped())

    runner.jobs = [Job("ask", 60, stop_and_ask)]
    runner.run_forever()

    assert asked == [False, True]


def test_a_hanging_run_is_cut_off_and_named(transactional_db, monkeypatch, caplog):
    monkeypatch.setattr(runner_module, "GRACE_S", 0.1)
    runner, release = Runner([]), threading.Event()

    def hang(stopped: Stopped) -> None:
        runner.stop.set()
        release.wait(30)

    runner.jobs = [Job("hang", 60, hang)]
    started = time.monotonic()
    runner.run_forever()
    release.set()

    assert time.monotonic() - started < 10
    assert "job cut off" in caplog.text


@pytest.mark.parametrize("due", [probes.probe_due, tokens.refresh_due])
def test_nothing_new_is_begun_by_a_worker_that_must_end(due, organization):
    credential = make_credential(organization, "auth0_client_credentials")
    Token.objects.update_or_create(
        credential=credential, defaults={"refresh_at": clock.now() - timedelta(hours=1)}
    )

    assert due(stopped=lambda: True) == 0

    assert Token.objects.get().lease_fence == 0
    assert not Check.objects.exists()


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
@pytest.mark.django_db(transaction=True)
def test_every_real_job_runs(job, caplog):
    attempt(job, lambda: False)

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
