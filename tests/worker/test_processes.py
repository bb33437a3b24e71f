"""Concurrent worker processes on one database; some are stopped or killed."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection

from sequin_admin.audit.models import Event
from sequin_admin.connect import batches
from sequin_admin.connect.models import Batch, BatchAction, ConnectLink
from sequin_admin.core import clock
from sequin_admin.core.env import ROOT, inherited
from sequin_admin.credentials.models import Credential
from sequin_admin.health import workers
from sequin_admin.health.models import WorkerProcess
from sequin_admin.tokens.models import Token
from tests.factories import make_credential
from tests.patience import PATIENCE_S
from tests.tokens.test_processes import database_url, wait_until

PAUL = "usrziLeD23j9AJ1"
KEYS = 12
# More than three times as many as are done together.
BATCH = 3 * batches.PIECES + 100
# How long a process may take to go on a machine that does much else beside.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]


@pytest.fixture
def start(simulated):
    """Start a worker on the test's database and wait until it runs."""
    started = []

    def start(*options, **environment):
        process = subprocess.Popen(
            [sys.executable, "-u", "manage.py", "worker", *options],
            cwd=ROOT,
            env={
                **inherited(),
                "DATABASE_URL": database_url(),
                "SIMULATOR_URL": simulated.url,
                "FIELD_ENCRYPTION_KEY": ",".join(settings.FIELD_ENCRYPTION_KEY),
                **environment,
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert "running" in process.stdout.readline()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def airtable(make_app, connect):
    """A connected account whose token is due and which is not probed meanwhile."""
    credential = connect(make_app("airtable"), PAUL).credential
    past = clock.now() - timedelta(seconds=1)
    Token.objects.filter(credential=credential).update(expires_at=past, refresh_at=past)
    Credential.objects.update(check_due_at=None)
    connection.close()
    return credential


def refreshes(simulated):
    calls = [c for c in simulated.calls("airtable") if c["endpoint"].endswith("/oauth2/v1/token")]
    return calls[1:]  # the first one redeemed the code


def test_three_workers_side_by_side_do_each_piece_once(start, organization, simulated):
    properties = {"secret": "sk_test_arrakis0000000000000001"}
    for number in range(KEYS):
        make_credential(organization, "stripe_key", identity=f"{number}", properties=properties)

    for _ in range(3):
        start("--threads", "2")
    wait_until(lambda: not Credential.objects.filter(checked_at=None).exists())
    wait_until(lambda: WorkerProcess.objects.count() == 3)

    probes = [c for c in simulated.calls("stripe") if c["endpoint"].endswith("/v1/account")]
    assert len(probes) == KEYS


def test_a_token_is_renewed_once_however_many_workers_there_are(start, airtable, simulated):
    simulated.act("airtable", PAUL, "slow")

    for _ in range(2):
        start()
    wait_until(lambda: Token.objects.filter(version=2).exists())

    assert [call["status"] for call in refreshes(simulated)] == [200]


def test_asked_to_end_it_finishes_its_call_and_ends(start, airtable, simulated):
    simulated.act("airtable", PAUL, "slow")
    worker = start()
    wait_until(lambda: refreshes(simulated))

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(PATIENCE_S) == 0
    assert Token.objects.get().version == 2
    assert not WorkerProcess.objects.exists()


def test_it_ends_with_the_deadline_of_its_call_when_a_provider_never_answers(
    start, airtable, simulated
):
    """The journal says that no answer came, and the next worker takes over."""
    simulated.act("airtable", PAUL, "timeout")
    worker = start(TOKEN_DEADLINE_S="3")
    wait_until(lambda: refreshes(simulated))

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(PATIENCE_S) == 0
    simulated.act("airtable", PAUL, "clear")
    Token.objects.update(next_try_at=None, refresh_at=clock.now())
    start()
    wait_until(lambda: Token.objects.filter(version=2).exists())
    assert [attempt["code"] for attempt in Token.objects.get().journal] == ["unreachable", "ok"]


def test_a_killed_worker_is_seen_to_be_gone(start):
    worker = start()
    wait_until(lambda: workers.alive(clock.now()).exists())

    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()

    assert workers.list_workers().get().pid == worker.pid
    assert not workers.alive(clock.now() + workers.STALE_AFTER).exists()


def test_a_batch_whose_worker_is_killed_goes_on_and_makes_each_link_once(start, organization, user):
    for number in range(BATCH):
        make_credential(
            organization, "stripe_key", identity=f"{number}", health_status="customer_intervention"
        )
    Credential.objects.update(check_due_at=None)
    rows = Credential.objects.of(organization)
    batch = batches.start(
        organization, rows, BatchAction.RECONNECT, actor=user, options={"days": 7}
    )
    made = ConnectLink.objects.filter(batch=batch.pk)

    first = start()
    wait_until(made.exists)
    first.kill()
    first.wait()
    before = made.count()
    # As if the lease of the dead one had ended.
    Batch.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    start()
    wait_until(lambda: Batch.objects.get().finished_at)

    assert 0 < before < BATCH, "It was killed in the middle."
    reconnected = list(made.values_list("reconnects", flat=True))
    assert len(reconnected) == BATCH
    assert set(reconnected) == set(rows.values_list("pk", flat=True))
    assert batch.items.exclude(done_at=None).filter(reason="").count() == BATCH
    assert Event.objects.filter(action="connect_link.created").count() == BATCH
