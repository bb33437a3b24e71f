"""What a load balancer and a metrics collector ask.

They come by address instead of name and without TLS, so they are answered before the host name
is checked and before anybody is sent on to https.
"""

import hmac
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
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
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("The database does not answer.\n", "text/plain", status=503)
    return HttpResponse("ready\n", content_type="text/plain")


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Counts for Prometheus, to who shows `METRICS_TOKEN` as a bearer token."""
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not settings.METRICS_TOKEN or not hmac.compare_digest(shown, settings.METRICS_TOKEN):
        return HttpResponseNotFound()
    return HttpResponse(generate_latest(measured()), content_type=CONTENT_TYPE_LATEST)


MACHINES = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}


def for_machines(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """The middleware that stands before all others."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return MACHINES.get(request.path_info, get_response)(request)

    return middleware


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
