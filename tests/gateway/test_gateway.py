"""Callbacks of providers, health checks and metrics."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from sequin_admin.core import clock
from sequin_admin.health.models import WorkerProcess
from tests.factories import make_credential

CALLBACK = "/link/oauth2/callback/hubspot"


def test_a_callback_takes_no_login_but_the_browser_that_started(client, db):
    answer = client.get(CALLBACK, {"code": "x", "state": "y"})

    assert answer.status_code == 400
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "Sign in" not in answer.content.decode()


@pytest.mark.parametrize(
    "query", [{}, {"state": "forged", "code": "x"}, {"error": "access_denied"}]
)
def test_a_callback_of_nobodys_trip_is_explained(client, user, query):
    client.force_login(user)

    answer = client.get(CALLBACK, query)

    assert answer.status_code == 400
    assert "belongs to no connection you started in this browser" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"] or "no-cache" in answer["Cache-Control"]


def test_a_callback_is_only_read(client, user):
    client.force_login(user)

    assert client.post(CALLBACK).status_code == 405


def test_the_process_answers(client):
    assert client.get("/healthz").content == b"ok\n"


def test_the_database_answers(client, db):
    assert client.get("/readyz").content == b"ready\n"


WRONG = [
    *("", "Bearer", "Bearer ", "Bearer wrong", "Bearer right ", "right", "Basic right"),
    *("Bearer RIGHT", "Bearer schlüssel", "Bearer ключ"),
]


@pytest.mark.parametrize("sent", [None, *WRONG])
@pytest.mark.parametrize("token", ["", "right"])
def test_every_wrong_metrics_token_is_the_same_401(client, db, settings, sent, token):
    settings.METRICS_TOKEN = token

    answer = client.get("/metrics", headers={} if sent is None else {"Authorization": sent})

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert b"METRICS_TOKEN" in answer.content
    assert b"sequin_admin_" not in answer.content


def test_a_metrics_token_may_hold_any_letter(client, db, settings):
    """A server decodes headers as Latin-1 (PEP 3333)."""
    settings.METRICS_TOKEN = "schlüssel"
    sent = f"Bearer {'schlüssel'.encode().decode('latin-1')}"

    assert client.get("/metrics", headers={"Authorization": sent}).status_code == 200


def test_metrics_count_credentials_by_status(client, settings, organization):
    settings.METRICS_TOKEN = "right"
    make_credential(organization, "stripe_key", health_status="healthy")

    page = client.get("/metrics", headers={"Authorization": "Bearer right"}).content.decode()

    assert 'sequin_admin_credentials{kind="stripe_key",status="healthy"} 1.0' in page
    assert 'sequin_admin_due{job="probe"} 1.0' in page


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_machines_come_by_address_and_without_tls(client, db, settings, path):
    settings.ALLOWED_HOSTS = ["admin.example.com"]
    settings.SECURE_SSL_REDIRECT = True

    assert client.get(path, headers={"Host": "10.0.0.7:8000"}).status_code == 200
    assert client.post(path).status_code == 405


def test_without_a_database_we_are_alive_but_not_ready(client, monkeypatch):
    def refuse():
        raise OperationalError

    monkeypatch.setattr(connection, "cursor", refuse)

    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503


def test_metrics_tell_how_far_behind_the_workers_are(client, settings, organization):
    settings.METRICS_TOKEN = "right"
    late = clock.now() - timedelta(hours=1)
    make_credential(organization, "stripe_key", check_due_at=late)
    tally = {"probe": {"done": 7, "failed": 1}}
    for beat_at in (clock.now(), late):
        WorkerProcess.objects.create(
            hostname="arrakis", pid=7, threads=8, beat_at=beat_at, jobs=tally
        )

    page = client.get("/metrics", headers={"Authorization": "Bearer right"}).content.decode()

    assert 'sequin_admin_lag_seconds{job="probe"} 36' in page
    assert 'sequin_admin_lag_seconds{job="renew"} 0.0' in page
    assert "sequin_admin_workers 1.0" in page
    assert 'sequin_admin_jobs_done_total{job="probe",worker="arrakis:7"} 7.0' in page
    assert 'sequin_admin_jobs_failed_total{job="probe",worker="arrakis:7"} 1.0' in page
