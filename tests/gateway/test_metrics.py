"""Metrics over all processes, and the incident that web processes open when no worker runs."""

import io
import os
import re
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from django.conf import settings as configured
from django.db import OperationalError, connection
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from sequin_admin.core import clock, metrics
from sequin_admin.core.env import ROOT, inherited
from sequin_admin.core.models import MetricSum
from sequin_admin.gateway import background
from sequin_admin.gateway.background import Background
from sequin_admin.health import worker_watch
from sequin_admin.health.models import ServiceIncident, WorkerProcess
from sequin_admin.health.worker_watch import MISSING_FOR, WorkerWatch
from sequin_admin.limits import limiter
from sequin_admin.notifications import outbox
from sequin_admin.tokens.models import Token
from sequin_admin.tools.supervisor import Supervisor, free_port, gunicorn
from tests.dashboard.conftest import address
from tests.due_work import probe_due, refresh_due
from tests.factories import make_credential
from tests.notified import make_message, work
from tests.patience import PATIENCE_S
from tests.tokens.test_processes import database_url, wait_until

COUNT = """
import django
django.setup()
from sequin_admin.core import metrics
for _ in range(7):
    metrics.PERMITS.labels("granted").inc()
    metrics.flush()
"""
# gunicorn whose processes look often and wait for no worker for a second.
HURRIED = """
import sys
from datetime import timedelta
from gunicorn.app.wsgiapp import run
from sequin_admin import gunicorn_config

start = gunicorn_config.post_worker_init

def hurry(worker):
    from sequin_admin.gateway import background
    from sequin_admin.health import worker_watch
    background.EVERY_S, worker_watch.MISSING_FOR = 0.2, timedelta(seconds=1)
    start(worker)

gunicorn_config.post_worker_init = hurry
run()
"""
PAUL = "usrziLeD23j9AJ1"


@pytest.fixture(autouse=True)
def nothing_counted(db):
    """What other tests counted in this process is not new."""
    metrics.flush()
    MetricSum.objects.all().delete()


@pytest.fixture
def scrape(client, settings):
    settings.METRICS_TOKEN = "right"

    def scrape():
        page = client.get("/metrics", headers={"Authorization": "Bearer right"}).content.decode()
        return dict(re.findall(r"^(sequin_admin_\S+) (\S+)$", page, re.M))

    return scrape


@pytest.mark.django_db(transaction=True)
def test_counts_of_all_processes_are_summed(scrape):
    metrics.PERMITS.labels("granted").inc(2)
    connection.close()
    others = [
        subprocess.Popen([sys.executable, "-c", COUNT], cwd=ROOT, env=environment()) for _ in "ab"
    ]
    assert [other.wait(PATIENCE_S) for other in others] == [0, 0]

    assert float(scrape()['sequin_admin_permits_total{outcome="granted"}']) == 16
    assert float(scrape()['sequin_admin_permits_total{outcome="granted"}']) == 16


def environment():
    """Of a process that works on the test's database."""
    return {
        **inherited(),
        "DJANGO_SETTINGS_MODULE": "sequin_admin.settings",
        "DATABASE_URL": database_url(),
        "FIELD_ENCRYPTION_KEY": ",".join(configured.FIELD_ENCRYPTION_KEY),
    }


def test_what_the_database_did_not_take_is_added_later(scrape, monkeypatch):
    metrics.PERMITS.labels("refused").inc(3)
    with monkeypatch.context() as patch:
        patch.setattr(metrics, "add_to_sums", refuse)
        metrics.flush()

    assert scrape()['sequin_admin_permits_total{outcome="refused"}'] == "3.0"


def refuse(gains):
    raise OperationalError("the database is gone")


def test_requests_are_measured_by_area(client, scrape):
    client.get("/v1/credentials")
    client.get("/healthz")
    client.get("/")

    found = scrape()

    name = "sequin_admin_request_duration_seconds"
    assert found[f'{name}_count{{area="api",status="4xx"}}'] == "1.0"
    assert found[f'{name}_count{{area="pages",status="3xx"}}'] == "1.0"
    assert found[f'{name}_bucket{{area="api",le="+Inf",status="4xx"}}'] == "1.0"
    assert float(found[f'{name}_sum{{area="api",status="4xx"}}']) > 0


def test_prometheus_reads_what_is_summed():
    """Its strict parser wants all buckets of a series, in order."""
    for area, took in (("slow", 7), ("quick", 0.01), ("slow", 0.3)):
        metrics.REQUESTS.labels(area, "2xx").observe(took)
        metrics.flush()
    registry = CollectorRegistry()
    registry.register(metrics.SummedMetrics())

    read = text_string_to_metric_families(generate_latest(registry).decode())

    samples = next(f for f in read if f.name == metrics.REQUESTS._name).samples
    slow = [s.value for s in samples if s.labels["area"] == "slow" and "le" in s.labels]
    assert slow == [0, 0, 1, 1, 2, 2]


def test_renewals_are_counted_by_who_must_act(make_app, connect, simulated, scrape):
    credential = connect(make_app("airtable"), PAUL).credential
    for what in ("clear", "revoke"):
        simulated.act("airtable", PAUL, what)
        past = clock.now() - timedelta(seconds=1)
        Token.objects.filter(credential=credential).update(expires_at=past, refresh_at=past)
        refresh_due()

    found = scrape()

    name = 'sequin_admin_renewals_total{kind="airtable_oauth2",outcome="%s"}'
    assert (found[name % "ok"], found[name % "customer"]) == ("1.0", "1.0")


def test_probes_are_counted_by_who_must_act(organization, simulated, scrape):
    for secret in ("sk_test_arrakis0000000000000001", "sk_test_nobody00000000000000001"):
        make_credential(organization, "stripe_key", identity=secret, properties={"secret": secret})

    probe_due()

    found = scrape()
    name = 'sequin_admin_probes_total{kind="stripe_key",outcome="%s"}'
    assert (found[name % "ok"], found[name % "customer"]) == ("1.0", "1.0")


def test_deliveries_are_counted_by_what_became_of_them(
    organization, receiver, make_channel, scrape
):
    make_channel()
    receiver.reply(503)
    outbox.post(organization, make_message())
    work()
    outbox.post(organization, make_message(key="incident:2"))
    work()

    found = scrape()

    name = 'sequin_admin_deliveries_total{channel="webhook",outcome="%s"}'
    assert (found[name % "retried"], found[name % "delivered"]) == ("1.0", "1.0")


def test_permits_are_counted_as_they_are_given(organization, scrape):
    credential = make_credential(organization, "stripe_key")

    limiter.acquire(credential, 3)

    assert scrape()['sequin_admin_permits_total{outcome="granted"}'] == "3.0"


def test_calls_in_flight_are_the_leases_that_run(organization, scrape):
    for until in (clock.now() + timedelta(minutes=1), clock.now() - timedelta(minutes=1)):
        credential = make_credential(organization, "stripe_key", identity=str(until))
        Token.objects.create(credential=credential, lease_owner="w", lease_until=until)

    found = scrape()

    assert found['sequin_admin_in_flight{job="renew"}'] == "1.0"
    assert found['sequin_admin_in_flight{job="probe"}'] == "0.0"


@pytest.fixture
def staff(user, organization):
    user.is_staff = True
    user.save()
    return user


def beat():
    WorkerProcess.objects.update_or_create(
        hostname="arrakis", pid=7, defaults={"threads": 8, "beat_at": clock.now(), "jobs": {}}
    )


def test_no_worker_for_a_minute_is_one_incident_that_staff_are_told_of(staff, mailoutbox, scrape):
    now, first, second = clock.now(), WorkerWatch(), WorkerWatch()
    for watch in (first, second):
        watch.look(now)
    assert not ServiceIncident.objects.exists(), "An update takes some seconds."

    for watch in (first, second, first):
        watch.look(now + MISSING_FOR)

    [mail] = mailoutbox
    assert (mail.to, mail.subject) == ([staff.email], "No worker of Sequin Admin is running")
    assert ServiceIncident.objects.get().opened_at == now
    found = scrape()
    assert found['sequin_admin_service_incidents{code="no_worker"}'] == "1.0"
    assert found["sequin_admin_workers"] == "0.0"


def test_it_ends_with_the_first_heartbeat(staff, mailoutbox, scrape):
    worker_watch.open_once(clock.now())
    beat()

    for watch in (WorkerWatch(), WorkerWatch()):
        watch.look(clock.now())

    assert ServiceIncident.objects.get().resolved_at
    assert [mail.subject.split(" is ")[1] for mail in mailoutbox] == ["running", "running again"]
    assert scrape()['sequin_admin_service_incidents{code="no_worker"}'] == "0.0"


def test_a_worker_that_comes_back_in_time_is_no_incident(db):
    now, watch = clock.now(), WorkerWatch()
    watch.look(now)
    beat()
    watch.look(now)
    WorkerProcess.objects.all().delete()

    watch.look(now + MISSING_FOR)

    assert not ServiceIncident.objects.exists()


def test_the_page_says_since_when(client, user):
    worker_watch.open_once(clock.now())
    client.force_login(user)

    assert "None since" in client.get(address("worker")).content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_web_process_adds_up_and_watches_beside_its_requests(monkeypatch):
    monkeypatch.setattr(worker_watch, "MISSING_FOR", timedelta())
    monkeypatch.setattr(background, "EVERY_S", 0.01)
    metrics.PERMITS.labels("granted").inc()
    beside = Background()
    beside.start()
    wait_until(ServiceIncident.objects.exists)
    beside.stop()

    assert not beside.is_alive()
    assert ServiceIncident.objects.count() == 1
    assert MetricSum.objects.filter(name="sequin_admin_permits_total").get().value == 1


@pytest.fixture
def processes(db):
    supervisor = Supervisor(io.StringIO())
    yield supervisor
    supervisor.stop()


def start_web(supervisor, *command):
    """Two web processes. Returns their port."""
    port = free_port()
    options = gunicorn("sequin_admin.wsgi", port, 4)[len(command) :]
    supervisor.start("web", [*command, "--workers", "2", *options], environment())
    supervisor.wait_for("web", f"http://127.0.0.1:{port}/healthz")
    return port


def children(pid):
    return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_what_each_web_process_counted_is_there_after_both_were_stopped(processes):
    port = start_web(processes, "-m", "gunicorn")
    web = processes.children["web"]
    wait_until(lambda: len(children(web.pid)) == 2)
    one, other = children(web.pid)

    for stopped, requests in ((one, 7), (other, 11)):
        os.kill(stopped, signal.SIGSTOP)
        for _ in range(requests):
            url = f"http://127.0.0.1:{port}/v1/credentials"
            assert httpx2.get(url, timeout=PATIENCE_S, trust_env=False).status_code == 401
        os.kill(stopped, signal.SIGCONT)
    web.send_signal(signal.SIGTERM)

    assert web.wait(PATIENCE_S) == 0
    [counted] = MetricSum.objects.filter(name="sequin_admin_request_duration_seconds_count")
    assert (counted.labels, counted.value) == ('{"area": "api", "status": "4xx"}', 18)


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_of_two_web_processes_one_tells_that_no_worker_runs_and_that_one_runs_again(
    staff, processes
):
    start_web(processes, "-c", HURRIED)
    wait_until(ServiceIncident.objects.exists)
    processes.start("worker", ["manage.py", "worker"], environment())
    wait_until(lambda: ServiceIncident.objects.filter(resolved_at__isnull=False).exists())
    # Before the worker: without one they would tell again.
    processes.children["web"].terminate()
    assert processes.children["web"].wait(60) == 0
    processes.stop()

    printed = processes.out.getvalue()
    subjects = re.findall("Subject: .* worker of Sequin Admin is running.*", printed)
    assert [subject.removeprefix("Subject: ") for subject in subjects] == [
        worker_watch.OPENED[worker_watch.NO_WORKER][0],
        worker_watch.RESOLVED[worker_watch.NO_WORKER][0],
    ]
    assert ServiceIncident.objects.count() == 1
