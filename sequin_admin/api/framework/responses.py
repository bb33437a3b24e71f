"""What holds for every response of /v1: HEAD, conditions, compression, the headers of limits."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.middleware.gzip import GZipMiddleware
from django.utils.http import parse_etags

from sequin_admin.api.framework import errors
from sequin_admin.api.framework.auth import add_rate_limit_headers
from sequin_admin.api.framework.etags import weak_etag_of
from sequin_admin.core.long_answers import WHOLE_SIZE

JSON = "application/json"
IF_NONE_MATCH = "If-None-Match"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
GZIP = GZipMiddleware(lambda request: HttpResponse())


def finishing_responses(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer HEAD as GET without its body (RFC 9110 section 9.3.2), and finish every response."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        is_head = request.method == "HEAD"
        request.method = "GET" if is_head else request.method
        response = finish_response(request, view(request, *args, **kwargs))
        if is_head:
            request.method = "HEAD"
            response["Content-Length"] = str(len(response.content))
            response.content = b""
        return response

    return wrapped


def finish_response(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    add_rate_limit_headers(request, response)
    if response.status_code == 405:
        return method_not_allowed(response["Allow"].split(", "))
    if request.method != "GET" or response.status_code != 200:
        return response
    # What a view does not let be stored has secrets. The page of the document has a nonce.
    if "Cache-Control" in response or not response["Content-Type"].startswith(JSON):
        return response
    if "ETag" not in response:
        response["ETag"] = weak_etag_of(response.content)
    response = unless_known(request, response)
    if response["ETag"].startswith("W/"):
        request.META[WHOLE_SIZE] = len(response.content)
        GZIP.process_response(request, response)  # in place
    return response


def method_not_allowed(allowed: list[str]) -> HttpResponse:
    """Django's 405, as an error in JSON."""
    also = ["HEAD"] if "GET" in allowed else []
    known = ", ".join(method for method in METHODS if method in [*allowed, *also])
    problem = errors.problem_response(405, f"Send {known} to this address.")
    problem["Allow"] = known
    return problem


def unless_known(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """304 where the caller's `If-None-Match` is of what is shown (RFC 9110 section 13.1.2)."""
    sent = request.META.get("HTTP_IF_NONE_MATCH", "")
    known = parse_etags(sent) if sent else []
    if known and {"*", response["ETag"].removeprefix("W/")} & {
        each.removeprefix("W/") for each in known
    }:
        response.status_code = 304
        response.content = b""
        del response["Content-Type"]
    return response


def unchanged(etag: str) -> HttpResponse:
    """304 for what the caller has."""
    response = HttpResponse(status=304, headers={"ETag": etag})
    del response["Content-Type"]
    return response
