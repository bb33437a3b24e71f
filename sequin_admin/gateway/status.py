"""What a load balancer and a metrics collector ask."""

import hmac

from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from sequin_admin.connect.models import Token
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential


@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_GET
def readyz(request: HttpRequest) -> HttpResponse:
    """The process reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ready\n", content_type="text/plain")


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Counts for Prometheus, to who shows `METRICS_TOKEN` as a bearer token."""
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not settings.METRICS_TOKEN or not hmac.compare_digest(shown, settings.METRICS_TOKEN):
        raise Http404
    return HttpResponse(generate_latest(measured()), content_type=CONTENT_TYPE_LATEST)


def measured() -> CollectorRegistry:
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
    due = Gauge("sequin_admin_due", "Rows whose time has come.", ["job"], registry=registry)
    due.labels("probe").set(Credential.objects.check_due(now).count())
    due.labels("renew").set(Token.objects.refresh_due(now).count())
    return registry
