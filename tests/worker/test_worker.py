"""The worker's jobs and its command."""

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from datetime import timedelta

import httpx2
import pytest

from sequin_admin.core import clock, shutdown
from sequin_admin.core.env import ROOT
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard.views.worker import TITLES
from sequin_admin.health import probe_claims, probes, workers
from sequin_admin.health.models import Check, WorkerProcess
from sequin_admin.tokens.models import Token
from sequin_admin.tools.supervisor import ProcessFailed, Supervisor, require_free
from sequin_admin.worker.health_port import HealthServer
from sequin_admin.worker.job_counts import JobCounts
from sequin_admin.worker.jobs import JOBS, Job, periodic_job
from sequin_admin.worker.pool import run_job
from sequin_admin.worker.runner import LONGEST_ROUND_S, Runner
from tests.factories import make_credential
from tests.patience import PATIENCE_S
from tests.postgres_cluster import wait_until


def queue_of(pieces, work, *, every_s=0.0, name="queue"):
    """A job with these items."""
    left = list(pieces)

    def claim(room):
        taken, left[:room] = left[:room], []
        return taken

    return Job(name, every_s, claim, work)


def test_all_that_is_due_is_done_once(transactional_db):
    ran = []
    jobs = [queue_of("abc", ran.append), periodic_job("d", 1, lambda: ran.append("d"))]

    Runner(jobs).run_once()

    assert ran == ["a", "b", "c", "d"]


def test_work_that_fails_does_not_stop_the_next(transactional_db, caplog):
    def fail(piece):
        raise ValueError("no spice")

    ran = []
    Runner([queue_of("ab", fail), queue_of("c", ran.append)]).run_once()

    assert ran == ["c"]
    assert caplog.text.count("job failed") == 2


def test_a_claim_that_fails_does_not_stop_the_next(transactional_db, caplog):
    def fail(room):
        raise ValueError("no spice")

    ran = []
    Runner([Job("a", 1, fail, ran.append), queue_of("b", ran.append)]).run_once()

    assert ran == ["b"]
    assert "job failed" in caplog.text


def test_chores_are_done_again_until_told_to_stop(transactional_db):
    runner = Runner([])
    runs: list[int] = []

    def count():
        runs.append(1)
        if len(runs) == 3:
            runner.stop.set()

    runner.jobs = [periodic_job("count", 0, count)]
    runner.run_forever()

    assert len(runs) == 3


def test_never_more_is_claimed_than_there_are_free_threads(transactional_db):
    """Otherwise leases would expire in the thread pool's queue."""
    runner, lock = Runner([], threads=3), threading.Lock()
    busy = most = 0
    together = threading.Barrier(3, timeout=PATIENCE_S)

    def meet(piece):
        nonlocal busy, most
        with lock:
            busy += 1
        together.wait()
        with lock:
            most = max(most, busy)
        together.wait()
        with lock:
            busy -= 1
            done.append(piece)
            if len(done) == 6:
                runner.stop.set()

    rooms: list[int] = []
    done: list[int] = []
    job = queue_of(range(6), meet)

    def claim(room):
        rooms.append(room)
        return job.claim(room)

    runner.jobs = [Job("meet", 0, claim, meet)]
    runner.run_forever()

    assert sorted(done) == list(range(6))
    assert most == 3
    assert max(rooms) == 3
    assert 0 not in rooms


def test_a_supervisor_is_told_when_the_main_loop_hangs():
    runner = Runner([])
    with (
        HealthServer(0, runner.goes_on) as server,
        httpx2.Client(timeout=PATIENCE_S, trust_env=False) as http,
    ):
        url = f"http://127.0.0.1:{server.server_port}"

        assert http.get(f"{url}/healthz").text == "ok\n"
        assert http.get(f"{url}/").status_code == 404
        runner.round_began_at -= LONGEST_ROUND_S
        assert http.get(f"{url}/healthz").status_code == 503


def test_one_job_that_hangs_does_not_hold_up_another(transactional_db):
    runner, release = Runner([], threads=2), threading.Event()

    def end(piece):
        runner.stop.set()
        release.set()

    runner.jobs = [
        queue_of("a", lambda _: release.wait(PATIENCE_S)),
        queue_of("b", end, name="other"),
    ]
    runner.run_forever()

    assert release.is_set()


def test_work_under_way_is_finished_before_the_end(transactional_db):
    runner = Runner([], threads=1)
    done: list[str] = []

    def work(piece):
        runner.stop.set()
        done.append(piece)

    runner.jobs = [queue_of("ab", work)]
    runner.run_forever()

    assert done == ["a"]


def test_work_that_hangs_is_cut_off_and_named(transactional_db, monkeypatch, caplog):
    monkeypatch.setattr(shutdown, "GRACE_S", 0.1)
    runner, release = Runner([]), threading.Event()

    def hang(piece):
        runner.stop.set()
        release.wait(PATIENCE_S)

    runner.jobs = [queue_of("a", hang)]
    runner.run_forever()
    release.set()

    assert "job cut off" in caplog.text


def test_a_worker_shows_that_it_lives_and_says_farewell(transactional_db):
    runner = Runner([], threads=2)
    seen: list[WorkerProcess] = []

    def look():
        seen.extend(workers.alive(clock.now()))
        runner.stop.set()

    runner.jobs = [periodic_job("look", 60, look)]
    runner.run_forever()

    assert [(row.pid, row.threads) for row in seen] == [(os.getpid(), 2)]
    assert not WorkerProcess.objects.exists()


def test_the_tally_tells_the_type_of_an_error_and_none_of_its_words(db):
    counts = JobCounts(["renew"])

    run_job(queue_of("", lambda _: [][1], name="renew"), "a", counts)
    run_job(queue_of("", print, name="renew"), "a", counts)

    job = counts.snapshot()["renew"]
    assert (job["done"], job["failed"]) == (1, 1)
    assert "IndexError" in job["error"]
    assert "out of range" not in job["error"]


def test_a_worker_that_was_killed_is_gone_and_forgotten_after_a_day(transactional_db):
    now = clock.now()
    for ago in (timedelta(), workers.STALE_AFTER, workers.KEPT_FOR):
        WorkerProcess.objects.create(hostname="arrakis", pid=1, threads=1, beat_at=now - ago)

    assert workers.alive(now).count() == 1
    assert workers.prune() == 1
    assert WorkerProcess.objects.count() == 2


def test_the_lag_is_the_age_of_the_oldest_row_of_the_organization(organization, stranger):
    other = stranger.memberships.get().organization
    ago = {organization: timedelta(minutes=5), other: timedelta(hours=5)}
    for owner, gap in ago.items():
        row = make_credential(owner, "auth0_client_credentials", check_due_at=clock.now() - gap)
        Token.objects.create(credential=row, refresh_at=clock.now() - gap)

    for owner, gap in ago.items():
        lags = workers.lags(owner)
        assert [lag.due for lag in lags] == [1, 1]
        assert all(0 <= lag.seconds(clock.now()) - gap.total_seconds() < 60 for lag in lags)
    assert [lag.due for lag in workers.lags()] == [2, 2]


def test_a_credential_verified_meanwhile_keeps_the_newer_result(organization, simulated):
    make_credential(organization, "stripe_key")
    (claimed,) = probe_claims.claim_due(1)
    assert probe_claims.claim_due(1) == []
    probes.verify(Credential.objects.get())
    times = Check.objects.get().times

    assert not probes.probe_claimed(claimed)

    assert Check.objects.get().times == times


def test_nothing_new_is_begun_by_a_worker_that_must_end(transactional_db, organization):
    credential = make_credential(organization, "auth0_client_credentials")
    Token.objects.update_or_create(
        credential=credential, defaults={"refresh_at": clock.now() - timedelta(hours=1)}
    )
    runner = Runner(JOBS)
    runner.stop.set()

    runner.run_once()

    assert Token.objects.get().lease_fence == 0
    assert not Check.objects.exists()


def test_every_job_has_a_title():
    assert [job.name for job in JOBS] == list(TITLES)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
@pytest.mark.django_db(transaction=True)
def test_every_real_job_runs(job, caplog):
    Runner([job]).run_once()

    assert "job failed" not in caplog.text


@pytest.mark.faults
def test_it_stops_when_asked(tmp_path, migrated_file):
    file = shutil.copy(migrated_file, tmp_path / "worker.sqlite3")
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{file}"}
    worker = subprocess.Popen(
        [sys.executable, "-u", "manage.py", "worker"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert "running" in worker.stdout.readline()

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(PATIENCE_S) == 0
    worker.stdout.close()


def test_a_port_in_use_is_a_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(ProcessFailed, match=f"Port {port} is in use.*PORT={port + 100}"):
            require_free(port, "PORT")


def test_a_child_that_ends_by_itself_is_named():
    supervisor = Supervisor(io.StringIO())
    supervisor.start("web", ["-c", "raise SystemExit(3)"], os.environ)
    supervisor.children["web"].wait()

    with pytest.raises(ProcessFailed, match=r"web ended by itself \(exit code 3\)"):
        supervisor.check()
    supervisor.stop()


SLOW_TO_END = """
import signal, sys, time
def end(*_):
    time.sleep(0.3)
    print("end", sys.argv[1], flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
time.sleep(300)
"""


def test_who_asks_the_others_to_the_end_is_stopped_before_them():
    """Such as an engine, which tells the server that it leaves its run to another."""
    supervisor = Supervisor(io.StringIO())
    for name in ("simulator", "target", "engine"):
        command = ["-c", SLOW_TO_END, name]
        supervisor.start(name, command, os.environ, may_end=name == "engine")
    wait_until(lambda: supervisor.out.getvalue().count("up") == 3, PATIENCE_S)

    supervisor.stop()

    ends = [line for line in supervisor.out.getvalue().splitlines() if " end " in line]
    assert [line.split()[-1] for line in ends] == ["engine", "target", "simulator"]


def test_children_are_stopped_together():
    supervisor = Supervisor(io.StringIO())
    for name in ("web", "worker"):
        supervisor.start(name, ["-c", "import time; time.sleep(60)"], os.environ)

    supervisor.stop()

    assert all(child.returncode is not None for child in supervisor.children.values())
