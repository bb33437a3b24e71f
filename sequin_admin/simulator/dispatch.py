"""Turns `/<real host>/<path>` (or a call with that `Host`) into a call of a simulated provider."""

import time
from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import framework
from sequin_admin.simulator.framework import SimulatedResponse
from sequin_admin.simulator.models import SimulatedCall


def providers(get_response: Callable[[HttpRequest], HttpResponse]) -> object:
    """Middleware: providers first, the simulator's own pages for everything else."""

    def middleware(request: HttpRequest) -> HttpResponse:
        first, _, rest = request.path.lstrip("/").partition("/")
        named = request.get_host().partition(":")[0]
        if framework.knows_host(first):
            return answer(request, first, f"/{rest}")
        if framework.knows_host(named):
            return answer(request, named, request.path)
        return get_response(request)

    return middleware


def answer(request: HttpRequest, host: str, path: str) -> HttpResponse:
    found = framework.find(request.method or "GET", host, path)
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
    for name, value in getattr(request, "tells", {}).items():
        response.setdefault(name, value)
    SimulatedCall.objects.create(
        provider=provider.slug,
        account=getattr(request, "account", ""),
        endpoint=f"{request.method} {host}{shown(path, groups)}"[:200],
        status=response.status_code,
    )
    time.sleep(getattr(request, "wait_s", 0))
    if getattr(response, "dropped", False) or getattr(request, "loses", False):
        drop(request)
    return response


def shown(path: str, groups: dict[str, str]) -> str:
    """The path for the journal: a token in it stays out."""
    return path.replace(groups["token"], "***") if "token" in groups else path


def drop(request: HttpRequest) -> None:
    """Close the connection so that the answer is lost on its way."""
    socket = request.META.get("gunicorn.socket")
    if socket:
        socket.shutdown(2)
