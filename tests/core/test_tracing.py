"""Traces: what a request, a job and their queries and calls export, and what it costs not to."""

import logging
import signal
import socket
import subprocess
import sys
from datetime import timedelta

import httpx2
import pytest

from sequin_admin.client.trace import trace_headers
from sequin_admin.core import clock, tracing
from sequin_admin.core.env import ROOT
from sequin_admin.core.tracing.requests import template_of
from sequin_admin.credentials.models import Credential
from sequin_admin.health import probe_claims, probes
from sequin_admin.limits import limiter
from sequin_admin.notifications import outbox
from sequin_admin.tokens import renewal, renewal_leases
from sequin_admin.tokens.models import Token
from sequin_admin.tools.supervisor import free_port, gunicorn, wait_for
from sequin_admin.worker.job_counts import JobCounts
from sequin_admin.worker.jobs import Job
from sequin_admin.worker.pool import run_job
from tests.collector import attributes_of
from tests.factories import make_credential
from tests.gateway.test_metrics import environment
from tests.notified import make_message, work
from tests.patience import PATIENCE_S

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
NOTHING_LOADED = """
import sys
from sequin_admin.wsgi import application
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
PAUL = "usrziLeD23j9AJ1"


def test_a_request_is_a_span_of_the_callers_trace(
    recording, collector, organization, make_client, caplog
):
    credential = make_credential(organization, "stripe_key")
    api = make_client(organization)
    for path in (f"/v1/credentials/{credential.pk}", "/v1/credentials/nobody", "/no/such/page"):
        answer = api.call("GET", path, headers=TRACEPARENT)

    spans = collector.spans()

    requests = {span.name: span for span in spans if span.kind == span.SPAN_KIND_SERVER}
    assert set(requests) == {"GET /v1/credentials/{id}", "GET"}
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    assert {span.parent_span_id.hex() for span in requests.values()} == {PARENT}
    last = attributes_of(requests["GET"])
    assert last["http.response.status_code"] == 404
    assert "http.route" not in last
    assert last["sequin_admin.request_id"] == answer["X-Request-Id"]
    # The lines of the log have both ids.
    (line,) = [r for r in caplog.records if "/no/such/page" in r.getMessage()]
    assert line.name == "django.request"
    queries = [attributes_of(s) for s in spans if s.name.startswith("SELECT")]
    assert any("credentials_credential" in query["db.query.text"] for query in queries)
    assert not [query for query in queries if str(credential.pk) in str(query)]


@pytest.mark.django_db(transaction=True)
def test_jobs_have_the_calls_that_they_make(
    recording,
    collector,
    make_app,
    connect,
    simulated,
    receiver,
    make_channel,
    redis_server,
    settings,
):
    credential = connect(make_app("airtable"), PAUL).credential
    past = clock.now() - timedelta(seconds=1)
    Token.objects.filter(credential=credential).update(expires_at=past, refresh_at=past, failures=2)
    Credential.objects.update(check_due_at=past)
    make_channel()
    make_channel("slack")
    outbox.post(credential.organization, make_message())
    for job in (
        Job("renew", 1, renewal_leases.claim_due, renewal.renew_claimed),
        Job("probe", 1, probe_claims.claim_due, probes.probe_claimed),
        Job("deliver", 1, lambda limit: [work], lambda run: run()),
        Job("broken", 1, lambda limit: [1], lambda item: 1 // 0),
    ):
        run_job(job, job.claim(1)[0], JobCounts([job.name]))
    settings.REDIS_URL = redis_server.url
    with tracing.root("permit", "server", {}):
        limiter.acquire(credential, 1)

    spans = collector.spans()

    jobs = {span.name: span for span in spans if not span.parent_span_id}
    calls = {span.name: span for span in spans if "server.address" in attributes_of(span)}
    renewed = calls["POST airtable.com/oauth2/v1/token"]
    assert renewed.parent_span_id == jobs["job renew"].span_id
    said = attributes_of(renewed)
    assert said["http.response.status_code"] == 200
    about = ("provider", "kind", "attempt")
    assert [said[f"sequin_admin.{n}"] for n in about] == ["airtable", "airtable_oauth2", 3]
    probed = attributes_of(calls["GET api.airtable.com/v0/meta/whoami"])
    assert probed["sequin_admin.kind"] == "airtable_oauth2"
    assert attributes_of(jobs["job broken"])["error.type"] == "ZeroDivisionError"
    (asked,) = [span for span in spans if span.name == "EVALSHA"]
    assert asked.parent_span_id == jobs["permit"].span_id
    # A webhook is told of the trace; Slack and a provider are not.
    told = {call.path: call.headers.get("traceparent", "") for call in receiver.calls}
    assert told["/hook"][3:35] == jobs["job deliver"].trace_id.hex()
    assert told["/services/T0/hush"] == ""
    assert "traceparent" not in f"{simulated.calls('airtable')}".lower()


def test_the_client_library_passes_on_its_programs_trace(recording):
    assert trace_headers() == {}
    with tracing.root("sync", "internal", {}, TRACEPARENT):
        assert trace_headers()["traceparent"].startswith(f"00-{TRACE}-")


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/crm/v3/objects/contacts/1234", "/crm/v3/objects/contacts/{id}"),
        ("/2026-10/shop.json", "/2026-10/shop.json"),
        ("/services/T0123/hush0000", "/services/{id}/{id}"),
        ("", ""),
    ],
)
def test_parts_that_may_be_ids_are_left_out(path, template):
    assert template_of(path) == template


def test_a_collector_that_is_away_costs_one_line_and_is_asked_ever_less_often(
    recording, collector, caplog, monkeypatch
):
    from opentelemetry.sdk.trace.export import SpanExportResult

    from sequin_admin.core.tracing.patience import PatientExporter

    now, asked, answers = [0.0], list[float](), list[SpanExportResult | Exception]()

    class Scripted:
        def export(self, spans):
            asked.append(now[0])
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

    answers += [SpanExportResult.FAILURE, OSError("gone"), SpanExportResult.SUCCESS]
    caplog.set_level(logging.INFO, "sequin_admin")
    exporter = PatientExporter(Scripted(), lambda: now[0])
    for second in range(20):
        now[0] = float(second)
        exporter.export([object()])
        if not answers:
            break

    assert asked == [0.0, 5.0, 15.0]
    lines = [record.msg for record in caplog.records]
    assert [line["event"] for line in lines] == ["traces not exported", "traces exported again"]
    assert lines[1]["dropped"] == 15


def test_nothing_is_loaded_where_nothing_is_asked_for(db, monkeypatch):
    for variables in ({}, {"OTEL_SERVICE_NAME": "x"}, {"OTEL_TRACES_EXPORTER": "none"}):
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            assert not tracing.is_asked_for(tracing.env)
    # One object stands for all spans that are not recorded.
    assert tracing.child("x", "client", {}) is tracing.root("x", "server", {}) is tracing.NOTHING
    done = subprocess.run(
        [sys.executable, "-c", NOTHING_LOADED],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "variables",
    [{}, {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, {"OTEL_EXPORTER_OTLP_TIMEOUT": "soon"}],
    ids=["hangs", "wrong protocol", "wrong value"],
)
def test_a_web_process_serves_and_stops_without_its_collector(variables):
    """One that accepts and says nothing."""
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        named = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "OTEL_EXPORTER_OTLP_TIMEOUT": str(2 * PATIENCE_S),
        }
        server = subprocess.Popen(
            [sys.executable, *gunicorn("sequin_admin.wsgi", port, 2)],
            cwd=ROOT,
            env={**environment(), **named, **variables, "OTEL_BSP_SCHEDULE_DELAY": "100"},
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_for(f"http://127.0.0.1:{port}/readyz")
        answer = httpx2.get(f"http://127.0.0.1:{port}/accounts/login/", timeout=PATIENCE_S)
        server.send_signal(signal.SIGTERM)
        _, logged = server.communicate(timeout=PATIENCE_S)

    assert answer.status_code == 200
    assert server.returncode == 0
    assert logged.count("traces") <= 1
    assert "Traceback" not in logged
