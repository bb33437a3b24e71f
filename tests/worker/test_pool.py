"""Jobs share the worker's threads, and none waits for another's calls."""

import threading

import pytest
from django.db import connection

from sequin_admin.core import clock
from sequin_admin.health import workers
from sequin_admin.health.models import WorkerProcess
from sequin_admin.worker.jobs import JOBS
from sequin_admin.worker.runner import THREADS, Runner
from tests.factories import make_credential
from tests.patience import PATIENCE_S
from tests.tokens.test_processes import wait_until
from tests.worker.test_processes import start
from tests.worker.test_worker import queue_of

__all__ = ["start"]


def test_five_jobs_go_on_beside_one_whose_calls_all_hang(transactional_db):
    runner, release = Runner([], THREADS), threading.Event()
    hanging: list[int] = []
    done: set[str] = set()

    def hang(item):
        hanging.append(item)
        release.wait(PATIENCE_S)

    def work(name):
        done.add(name)
        if len(done) == 5:
            runner.stop.set()
            release.set()

    others = [queue_of([name] * 20, work, name=name) for name in "abcde"]
    runner.jobs = [queue_of(range(50), hang, name="hanging"), *others]
    runner.run_forever()

    assert done == {*"abcde"}
    assert 1 <= len(hanging) <= 50


@pytest.mark.parametrize(("active", "share"), [(1, 4), (2, 2), (3, 1), (6, 1)])
def test_what_is_kept_for_idle_jobs_is_shared_by_none(active, share):
    assert workers.threads_for(8, jobs=6, active=active) == share
    assert active * share <= 8


def test_one_job_alone_has_all_threads():
    assert workers.threads_for(8, jobs=1, active=1) == 8


def test_the_capacity_is_what_all_workers_can_do_for_one_job(db):
    assert sum(not job.single for job in JOBS) == workers.CALLING_JOBS
    for threads in (8, 32):
        WorkerProcess.objects.create(
            hostname="arrakis", pid=1, threads=threads, beat_at=clock.now()
        )

    assert workers.capacity().threads == 4 + 23


@pytest.mark.faults
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_worker_has_at_most_two_connections_more_than_threads(start, organization, simulated):
    for number in range(60):
        make_credential(organization, "stripe_key", identity=str(number))
    connection.close()
    start()
    seen = [0]

    def are_all_jobs_done():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                # Autovacuum's workers are in there, too.
                "AND backend_type = 'client backend'"
            )
            seen.append(cursor.fetchone()[0])
        jobs = WorkerProcess.objects.values_list("jobs", flat=True).first()
        if not jobs or jobs["probe"]["done"] < 60:
            return False
        return all(jobs[job.name]["ran_at"] for job in JOBS if job.single)

    wait_until(are_all_jobs_done)

    print(f"at most {max(seen)} connections")
    assert 3 <= max(seen) <= THREADS + 2
