"""SIGTERM in the middle of a renewal: the call ends, and what it brought is stored."""

import io
import signal
import threading
from datetime import timedelta
from math import ceil

import httpx2
import pytest
import yaml
from django.conf import settings

from sequin_admin import gunicorn_config
from sequin_admin.access import keys
from sequin_admin.access.models import Scope
from sequin_admin.core import clock, shutdown
from sequin_admin.core.env import ROOT, inherited
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.tokens import renewal, renewal_leases
from sequin_admin.tokens.models import Token
from sequin_admin.tools import supervisor as supervisor_module
from sequin_admin.tools.supervisor import Supervisor, free_port, gunicorn
from sequin_admin.worker.jobs import JOBS
from sequin_admin.worker.runner import Runner
from tests.patience import PATIENCE_S
from tests.tokens.test_processes import database_url, wait_until

PAUL = "usrziLeD23j9AJ1"


@pytest.fixture
def airtable(make_app, connect):
    """A connected account whose token is due and which is not probed meanwhile."""
    credential = connect(make_app("airtable"), PAUL).credential
    past = clock.now() - timedelta(seconds=1)
    Token.objects.filter(credential=credential).update(expires_at=past, refresh_at=past)
    Credential.objects.update(check_due_at=None)
    return credential


@pytest.fixture
def stopping(monkeypatch):
    """As after SIGTERM."""
    monkeypatch.setattr(shutdown, "_requested", False)
    return shutdown.request


@pytest.fixture
def processes(simulated):
    """A supervisor of processes on the test's database, and their environment."""
    supervisor = Supervisor(io.StringIO())
    environment = {
        **inherited(),
        "DJANGO_SETTINGS_MODULE": "sequin_admin.settings",
        "DATABASE_URL": database_url(),
        "SIMULATOR_URL": simulated.url,
        "FIELD_ENCRYPTION_KEY": ",".join(settings.FIELD_ENCRYPTION_KEY),
    }
    yield supervisor, environment
    supervisor.stop()


def is_leased():
    return Token.objects.filter(lease_until__isnull=False).exists()


def has_arrived(simulated):
    """Whether the provider has got the renewal; it answers later."""
    calls = [c for c in simulated.calls("airtable") if c["endpoint"].endswith("/oauth2/v1/token")]
    return len(calls) == 2


def is_kept(credential, simulated):
    """Whether the refresh token that is stored is the one that the provider issued last."""
    calls = [c for c in simulated.calls("airtable") if c["endpoint"].endswith("/oauth2/v1/token")]
    stored = Credential.objects.get(pk=credential.pk).secrets["refresh_token"]
    return len(calls) == 2 and stored != credential.secrets["refresh_token"]


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_a_worker_under_make_run_stores_what_a_slow_call_brings(processes, airtable, simulated):
    """The call takes 12 seconds."""
    simulated.act("airtable", PAUL, "crawl")
    supervisor, environment = processes
    supervisor.start("first", ["-c", "import time; time.sleep(600)"], environment)
    supervisor.start("worker", ["-u", "manage.py", "worker"], environment)
    wait_until(lambda: has_arrived(simulated))

    supervisor.stop()

    assert supervisor.children["worker"].returncode == 0
    assert is_kept(airtable, simulated)
    assert Token.objects.get().version == 2


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_a_web_process_answers_whom_it_renews_for(processes, airtable, simulated):
    """Also gunicorn's main process waits for it."""
    simulated.act("airtable", PAUL, "crawl")
    _, key = keys.create(airtable.organization, name="test", scopes=[Scope.SECRETS], actor=None)
    supervisor, environment = processes
    port, answers = free_port(), []
    supervisor.start("web", gunicorn("sequin_admin.wsgi", port, 2), environment)
    supervisor.wait_for("web", f"http://127.0.0.1:{port}/healthz")
    url = f"http://127.0.0.1:{port}/v1/credentials/{airtable.pk}/token"

    def read():
        headers = {"Authorization": f"Bearer {key}"}
        answers.append(httpx2.get(url, headers=headers, timeout=PATIENCE_S, trust_env=False))

    reader = threading.Thread(target=read)
    reader.start()
    wait_until(lambda: has_arrived(simulated))
    supervisor.children["web"].send_signal(signal.SIGTERM)
    reader.join(PATIENCE_S)

    assert answers[0].status_code == 200
    assert supervisor.children["web"].wait(60) == 0
    assert is_kept(airtable, simulated)


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_a_worker_that_runs_once_ends_its_call_and_begins_no_other(processes, airtable, simulated):
    simulated.act("airtable", PAUL, "slow")
    supervisor, environment = processes
    supervisor.start("worker", ["-u", "manage.py", "worker", "--once"], environment)
    wait_until(lambda: has_arrived(simulated))

    supervisor.stop()

    assert supervisor.children["worker"].returncode == 0
    assert is_kept(airtable, simulated)


@pytest.mark.django_db
def test_a_process_that_stops_begins_no_renewal(airtable, simulated, stopping):
    stopping()

    with pytest.raises(Refused) as refused:
        renewal.get_access_token(airtable)

    assert (refused.value.outcome.verdict, refused.value.outcome.code) == (
        Verdict.TRANSIENT,
        "stopping",
    )
    assert not is_leased()
    assert not is_kept(airtable, simulated)


@pytest.mark.django_db
def test_a_process_that_stops_still_reads_what_is_valid(airtable, stopping):
    Token.objects.update(expires_at=clock.now() + timedelta(seconds=30))
    stopping()

    assert renewal.get_access_token(airtable)


@pytest.mark.django_db
def test_a_renewal_that_waited_in_line_is_given_back(airtable, simulated, stopping):
    """Another worker takes it at once, and does not think that an answer was lost."""
    (waiting,) = renewal_leases.claim_due(1)
    stopping()

    assert not renewal.renew_claimed(waiting)

    row = Token.objects.get()
    assert (row.lease_until, row.lease_fence) == (None, waiting.fence)
    assert not renewal_leases.find_unanswered(row.journal)
    assert not is_kept(airtable, simulated)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_runs_once_claims_nothing_more(transactional_db, airtable, simulated):
    runner = Runner(JOBS)
    runner.stop.set()

    runner.run_once()

    assert not is_kept(airtable, simulated)


def test_whoever_kills_waits_longer_than_two_calls_and_a_write():
    two_calls = 2 * settings.TOKEN_DEADLINE_S
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    docker = (ROOT / "Dockerfile").read_text()

    assert two_calls + 5 <= shutdown.GRACE_S
    assert gunicorn_config.graceful_timeout == ceil(shutdown.GRACE_S)
    assert gunicorn_config.graceful_timeout < shutdown.KILL_AFTER_S
    for service in ("web", "worker"):
        patience = compose["services"][service]["stop_grace_period"]
        assert int(patience.removesuffix("s")) >= shutdown.KILL_AFTER_S
    for command in (docker, gunicorn("sequin_admin.wsgi", 1, 1)):
        assert supervisor_module.CONFIG in command
        assert "--preload" in command
    assert "--preload" not in gunicorn(supervisor_module.SIMULATOR, 1, 1)
