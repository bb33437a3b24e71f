"""Endpoints for load balancers and Prometheus.

They are called by IP address and without TLS, so a middleware answers them before the host name
is checked and before the redirect to https.
"""

import time
from collections.abc import Callable

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from sequin_admin.core import metrics as summed
from sequin_admin.gateway.metrics import metrics

# Area of a request by the first part of its path; all others are pages.
AREAS = {
    "v1": "api",
    "link": "gateway",
    "badge": "gateway",
    "calendar": "gateway",
    "static": "static",
    "staff": "staff",
}


@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """Liveness: the process responds."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_GET
def readyz(request: HttpRequest) -> HttpResponse:
    """Readiness: the database responds; else status 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("The database does not answer.\n", "text/plain", status=503)
    return HttpResponse("ready\n", content_type="text/plain")


STATUS_VIEWS = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}


def status_middleware(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware for the status views, which measures all other requests. It stands before
    what refuses host names and redirects."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if view := STATUS_VIEWS.get(request.path_info):
            return view(request)
        began = time.perf_counter()
        response = get_response(request)
        area = AREAS.get(request.path_info.split("/")[1], "pages")
        requests = summed.REQUESTS.labels(area, f"{response.status_code // 100}xx")
        requests.observe(time.perf_counter() - began)
        return response

    return middleware
