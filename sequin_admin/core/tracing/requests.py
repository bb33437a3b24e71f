"""Spans of requests that we answer and of calls that we make."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.http.request import HttpHeaders
from django.urls import Resolver404, resolve

from sequin_admin.core import tracing
from sequin_admin.core.tracing import Span

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
PARAMETER = re.compile(r"<[^>]*>")
# Parts of a provider's path that are words, or versions; all others may be ids.
WORD = re.compile(r"[A-Za-z][A-Za-z_.-]{0,23}\d?|v\d+(\.\d+)*|\d{4}-\d{2}(-\d{2})?|")


def traced(
    get_response: Callable[[HttpRequest], HttpResponse], request: HttpRequest, request_id: str
) -> HttpResponse:
    """Answer a request within a span, a child of the caller's where it sends `traceparent`."""
    method = request.method if request.method in METHODS else "_OTHER"
    attributes = {"http.request.method": method, "sequin_admin.request_id": request_id}
    carrier = carried(request.headers)
    with tracing.root(method, "server", attributes, carrier) as span:
        response = get_response(request)
        span.set({"http.response.status_code": response.status_code})
        if route := route_of(request):
            span.set({"http.route": route})
            span.rename(f"{method} {route}")
        if response.status_code >= 500:
            span.fail(str(response.status_code))
        return response


def carried(headers: HttpHeaders) -> dict[str, str]:
    """What a caller sends of its trace: https://www.w3.org/TR/trace-context/"""
    names = ("traceparent", "tracestate")
    return {name: headers[name] for name in names if name in headers}


def route_of(request: HttpRequest) -> str:
    """The pattern of its URL; "" where there is none, as the path may have a token."""
    try:
        # The API's lane has not resolved it by Django's resolver.
        match = request.resolver_match or resolve(request.path_info)
    except Resolver404:
        return ""
    return f"/{PARAMETER.sub('{id}', match.route.replace('^', ''))}"


def call(method: str, url: str, *, provider: bool) -> AbstractContextManager[Span]:
    """The span of a call of ours. Of an address that a user entered only the host is recorded, as
    its path may be a secret."""
    if not tracing.is_on():
        return tracing.NOTHING
    parts = urlsplit(url)
    host, route = parts.hostname or "", template_of(parts.path) if provider else ""
    attributes = {
        "http.request.method": method,
        "server.address": host,
        **({"url.template": route} if route else {}),
        **tracing.what_it_is_about(),
    }
    return tracing.child(f"{method} {host}{route}", "client", attributes)


def template_of(path: str) -> str:
    """The path with `{id}` for each part that may be one."""
    return "/".join(part if WORD.fullmatch(part) else "{id}" for part in path.split("/"))
