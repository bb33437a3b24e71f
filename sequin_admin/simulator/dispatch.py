"""Routes `/<real host>/<path>`, or a call with that `Host`, to a simulated provider."""

import time
from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import framework
from sequin_admin.simulator.framework import SimulatedResponse
from sequin_admin.simulator.models import SimulatedCall


def provider_middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> object:
    """Middleware: hosts of providers first, the simulator's own pages for everything else."""

    def middleware(request: HttpRequest) -> HttpResponse:
        first, _, rest = request.path.lstrip("/").partition("/")
        named = request.get_host().partition(":")[0]
        if framework.knows_host(first):
            return handle_call(request, first, f"/{rest}")
        if framework.knows_host(named):
            return handle_call(request, named, request.path)
        return get_response(request)

    return middleware


def handle_call(request: HttpRequest, host: str, path: str) -> HttpResponse:
    found = framework.find_route(request.method or "GET", host, path)
    if found is None:
        return JsonResponse(
            {"message": f"Not simulated: {request.method} {host}{path}"}, status=404
        )
    provider, handler, groups = found
    with transaction.atomic():
        try:
            response = handler(request, **groups)
        except SimulatedResponse as early:
            response = early.response
    for name, value in getattr(request, "response_headers", {}).items():
        response.setdefault(name, value)
    SimulatedCall.objects.create(
        provider=provider.slug,
        account=getattr(request, "account", ""),
        endpoint=f"{request.method} {host}{redacted_path(path, groups)}"[:200],
        status=response.status_code,
    )
    time.sleep(getattr(request, "delay_s", 0))
    if getattr(response, "loses_response", False) or getattr(request, "loses_response", False):
        drop_connection(request)
    return response


def redacted_path(path: str, groups: dict[str, str]) -> str:
    """The path for the call log, with a token in it masked."""
    return path.replace(groups["token"], "***") if "token" in groups else path


def drop_connection(request: HttpRequest) -> None:
    """Close the connection without a response."""
    socket = request.META.get("gunicorn.socket")
    if socket:
        socket.shutdown(2)
