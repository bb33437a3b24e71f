"""Metrics for Prometheus: `/metrics`."""

import hmac
from datetime import datetime

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    generate_latest,
)

from sequin_admin.core import clock, leases
from sequin_admin.core import metrics as summed
from sequin_admin.credentials.models import Credential
from sequin_admin.health import workers
from sequin_admin.health.worker_watch import open_codes
from sequin_admin.notifications.models import Delivery
from sequin_admin.syncs.models import Target
from sequin_admin.tokens.models import Token

# The rows whose leases are calls in flight, by job.
LEASED = {
    workers.RENEW: Token,
    workers.PROBE: Credential,
    "deliver": Delivery,
    "verify_targets": Target,
}


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Metrics for Prometheus. Requires `METRICS_TOKEN` as a bearer token; else status 401."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    # As bytes: text with other characters than ASCII can't be compared. WSGI decodes as Latin-1.
    right = hmac.compare_digest(token.encode("latin-1", "replace"), settings.METRICS_TOKEN.encode())
    if not (right and settings.METRICS_TOKEN and scheme.lower() == "bearer"):
        return HttpResponse(
            "Send the METRICS_TOKEN of this installation as a bearer token.\n",
            content_type="text/plain",
            status=401,
            headers={"WWW-Authenticate": "Bearer"},
        )
    return HttpResponse(generate_latest(collect_metrics()), content_type=CONTENT_TYPE_LATEST)


def collect_metrics() -> CollectorRegistry:
    now, registry = clock.now(), CollectorRegistry()
    credentials = Gauge(
        "sequin_admin_credentials",
        "Credentials by kind and status.",
        ["kind", "status"],
        registry=registry,
    )
    counted = Credential.objects.active().values_list("kind", "health_status").annotate(Count("pk"))
    for kind, status, count in counted.order_by():
        credentials.labels(kind, status or "unknown").set(count)
    ahead = Gauge(
        "sequin_admin_clock_ahead_seconds",
        "How far the clock of this web process is ahead of the database's.",
        registry=registry,
    )
    ahead.set(clock.ahead_s())
    measure_workers(now, registry)
    summed.flush()
    registry.register(summed.SummedMetrics())
    return registry


def measure_workers(now: datetime, registry: CollectorRegistry) -> None:
    """Add metrics of each job's backlog and of the running workers."""
    due = Gauge("sequin_admin_due", "Rows whose time has come.", ["job"], registry=registry)
    behind = Gauge(
        "sequin_admin_lag_seconds",
        "How long the oldest row has waited for its job.",
        ["job"],
        registry=registry,
    )
    waiting = Delivery.objects.due()
    for lag in (*workers.lags(), workers.lag("deliver", waiting, "next_try_at")):
        due.labels(lag.job).set(lag.due)
        behind.labels(lag.job).set(lag.seconds(now))
    flying = Gauge("sequin_admin_in_flight", "Work under way.", ["job"], registry=registry)
    for job, model in LEASED.items():
        flying.labels(job).set(model._base_manager.filter(leases.leased()).count())
    broken = Gauge(
        "sequin_admin_service_incidents",
        "Open incidents of Sequin Admin itself: no worker runs, or it can't do its work.",
        ["code"],
        registry=registry,
    )
    for code, is_open in open_codes().items():
        broken.labels(code).set(is_open)
    alive = list(workers.alive(now))
    live = Gauge("sequin_admin_workers", "Workers that run.", registry=registry)
    live.set(len(alive))
    names = ["job", "worker"]
    done = Counter("sequin_admin_jobs_done", "Work done.", names, registry=registry)
    failed = Counter("sequin_admin_jobs_failed", "Work that broke off.", names, registry=registry)
    for worker in alive:
        for job, tally in worker.jobs.items():
            done.labels(job, str(worker)).inc(tally["done"])
            failed.labels(job, str(worker)).inc(tally["failed"])
