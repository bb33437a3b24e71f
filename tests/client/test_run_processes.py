"""Workers that are killed or stopped while they hold a run."""

import os
import signal
import subprocess
import sys

import pytest

from sequin_admin.access import keys
from sequin_admin.access.models import Scope
from sequin_admin.core import clock
from sequin_admin.core.env import ROOT, inherited
from sequin_admin.syncs.models import CollectionState, Run, RunSlot
from sequin_admin.syncs.runs import lost_runs
from tests.api_client import ApiClient
from tests.factories import make_credential, make_synced

COLLECTION = "stripe:customer"
pytestmark = pytest.mark.faults


@pytest.fixture
def token(organization):
    keys._cache.clear()
    make_synced(make_credential(organization, "stripe_key"), collection_ids=[COLLECTION])
    return keys.create(organization, name="engine", scopes=[Scope.RUNS], actor=None)[1]


@pytest.fixture
def start(live_server, token):
    """Start a worker, and wait until it holds a run. Returns it with the run's fence."""
    started = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.client.engine", live_server.url, token, COLLECTION],
            cwd=ROOT,
            env=inherited(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process, int(process.stdout.readline())

    yield start
    for process in started:
        process.kill()
        process.communicate()


def report(process, cursor):
    process.stdin.write(f"{cursor}\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def let_lease_pass():
    RunSlot.objects.update(lease_until=clock.now())
    lost_runs.end_lost_runs()


def cursor():
    return CollectionState.objects.get().cursor


def test_a_killed_workers_run_is_lost_and_another_goes_on(start, token):
    first, fence = start()
    assert report(first, "a") == "reported"
    first.send_signal(signal.SIGKILL)
    first.wait()

    let_lease_pass()
    second, higher = start()

    assert higher > fence
    assert cursor() == "a"
    lost = Run.objects.get(status="lost")
    late = ApiClient(token).post(
        f"/v1/syncs/runs/{lost.pk}/report",
        {"fence": fence, "collections": [{"collection_id": COLLECTION, "cursor": "z"}]},
    )
    assert late.status_code == 409
    assert "was lost" in late.json()["summary"]
    assert report(second, "b") == "reported"
    assert cursor() == "b"


def test_a_stopped_worker_that_wakes_up_reports_nothing_more(start):
    first, _ = start()
    assert report(first, "a") == "reported"
    first.send_signal(signal.SIGSTOP)
    assert os.WIFSTOPPED(os.waitpid(first.pid, os.WUNTRACED)[1])

    let_lease_pass()
    second, _ = start()
    assert report(second, "b") == "reported"
    first.send_signal(signal.SIGCONT)

    assert report(first, "c") == "lost"
    assert cursor() == "b"


def test_a_worker_that_others_did_not_replace_goes_on(start):
    """Its lease has passed, but nobody has noticed."""
    first, _ = start()
    RunSlot.objects.update(lease_until=clock.now())

    assert report(first, "a") == "reported"
    assert cursor() == "a"
