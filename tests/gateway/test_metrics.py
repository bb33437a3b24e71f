"""Metrics over all processes, and the incident that web processes open when no worker runs."""

import re
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.db import OperationalError, connection

from sequin_admin.core import clock, metrics
from sequin_admin.core.env import ROOT, inherited
from sequin_admin.core.models import MetricSum
from sequin_admin.gateway.background import Background
from sequin_admin.health import worker_watch
from sequin_admin.health.models import ServiceIncident, WorkerProcess
from sequin_admin.health.worker_watch import MISSING_FOR, WorkerWatch
from sequin_admin.limits import limiter
from sequin_admin.tokens.models import Token
from tests.dashboard.conftest import address
from tests.factories import make_credential
from tests.tokens.test_processes import database_url

COUNT = """
import django
django.setup()
from sequin_admin.core import metrics
for _ in range(7):
    metrics.PERMITS.labels("granted").inc()
    metrics.flush()
"""


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
    environment = {
        **inherited(),
        "DJANGO_SETTINGS_MODULE": "sequin_admin.settings",
        "DATABASE_URL": database_url(),
        "FIELD_ENCRYPTION_KEY": ",".join(configured.FIELD_ENCRYPTION_KEY),
    }
    connection.close()
    others = [
        subprocess.Popen([sys.executable, "-c", COUNT], cwd=ROOT, env=environment) for _ in "ab"
    ]
    assert [other.wait(60) for other in others] == [0, 0]

    assert float(scrape()['sequin_admin_permits_total{outcome="granted"}']) == 16
    assert float(scrape()['sequin_admin_permits_total{outcome="granted"}']) == 16


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
    metrics.PERMITS.labels("granted").inc()
    background = Background(every_s=0.01)
    background.start()
    ends = time.monotonic() + 30
    while not ServiceIncident.objects.exists() and time.monotonic() < ends:
        time.sleep(0.05)
    background.stop()

    assert not background.is_alive()
    assert ServiceIncident.objects.count() == 1
    assert MetricSum.objects.filter(name="sequin_admin_permits_total").get().value == 1
