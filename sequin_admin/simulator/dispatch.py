"""Routes `/<real host>/<path>`, or a call with that `Host`, to a simulated provider."""

import os
import socket
import time

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import framework
from sequin_admin.simulator.calls import CallState, state_of
from sequin_admin.simulator.control.drills import begin_turns
from sequin_admin.simulator.framework import SimulatedResponse
from sequin_admin.simulator.models import SimulatedCall, SimulatedToken, one_call
from sequin_admin.simulator.rows.collection import Fields


def names_provider(wsgi: Fields) -> bool:
    """Whether a call is one of a provider. All others are for the simulator's own pages."""
    first = wsgi.get("PATH_INFO", "").lstrip("/").partition("/")[0]
    return framework.knows_host(first) or framework.knows_host(host_of(wsgi))


def host_of(wsgi: Fields) -> str:
    return str(wsgi.get("HTTP_HOST", "")).partition(":")[0]


def answer_call(request: HttpRequest) -> HttpResponse:
    first, _, rest = request.path.lstrip("/").partition("/")
    if framework.knows_host(first):
        return handle_call(request, first, f"/{rest}")
    return handle_call(request, host_of(request.META), request.path)


def handle_call(request: HttpRequest, host: str, path: str) -> HttpResponse:
    found = framework.find_route(request.method or "GET", host, path)
    if found is None:
        return JsonResponse(
            {"message": f"Not simulated: {request.method} {host}{path}"}, status=404
        )
    provider, handler, groups = found
    with one_call():
        begin_turns(provider)
        try:
            response = handler(request, **groups)
        except SimulatedResponse as early:
            response = early.response
        state = state_of(request)
        endpoint = f"{request.method} {host}{redacted_path(path, groups)}"[:200]
        SimulatedCall.record(provider.slug, state.account, endpoint, response.status_code)
    for name, value in state.response_headers.items():
        response.setdefault(name, value)
    if state.delay_s:
        time.sleep(state.delay_s)
    if state.loses_response or has_hung_up(request):
        record_lost_response(state)
    if state.loses_response:
        drop_connection(request)
    return response


def has_hung_up(request: HttpRequest) -> bool:
    """Whether the caller closed the connection, and gets no response any more."""
    connection = request.META.get("gunicorn.socket")
    if connection is None:
        return False
    try:
        # A socket of its own, since one with TLS does not peek.
        with socket.socket(fileno=os.dup(connection.fileno())) as plain:
            waiting = plain.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return not waiting


def record_lost_response(state: CallState) -> None:
    """Write into the journal that this response reached nobody: the refresh token in it is
    `destroyed`. One that was sent again was so by a call that was `abandoned` before we came to it.
    """
    SimulatedToken.objects.filter(pk=state.issued_token).update(destroyed=True)
    SimulatedToken.objects.filter(pk=state.reused_token).update(abandoned=True)


def redacted_path(path: str, groups: dict[str, str]) -> str:
    """The path for the call log, with a token in it masked."""
    return path.replace(groups["token"], "***") if "token" in groups else path


def drop_connection(request: HttpRequest) -> None:
    """Close the connection without a response."""
    connection = request.META.get("gunicorn.socket")
    if connection:
        connection.shutdown(2)
