"""A way past Ninja for hot operations: parameters that were sent before in the same words are not
parsed again, and an answer that is bytes already is not validated.

What is not usual goes Ninja's way: it refuses, and documents, all the same.
"""

import re
from collections.abc import Callable
from functools import wraps
from types import MethodType
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja.errors import AuthenticationError
from ninja.operation import Operation

from sequin_admin.api.framework.auth import ApiRequest, CachedKeyAuth
from sequin_admin.api.framework.pagination import QueryParams

Run = Callable[..., HttpResponse]
Parameters = dict[str, Any]
USUAL_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MOST_PARSED, QUERY_CHARS = 1000, 200
# Those of a request's query string, by operation and string. Nobody changes them.
_parsed: dict[tuple[Operation, str], Parameters] = {}


def quick(run: Run) -> Run:
    """For Ninja's `decorate_view`, on an operation with `CachedKeyAuth` that takes ids in its path,
    a query or a body, and no header."""
    operation = cast(Operation, cast(MethodType, run).__self__)
    auth = CachedKeyAuth()

    @wraps(run)
    def quick_run(request: HttpRequest, **path: str) -> HttpResponse:
        try:
            key = auth(request)
            if not key:
                raise AuthenticationError
            cast(ApiRequest, request).auth = key
            answer = operation.api.create_temporal_response(request)
            values = parse(operation, request, path, answer)
            result = operation.view_func(request, **values)
            if isinstance(result, HttpResponse):
                return result
            return cast(HttpResponse, operation._result_to_response(request, result, answer))
        except Exception as error:
            return operation.api.on_exception(request, error)

    return quick_run


def parse(
    operation: Operation, request: HttpRequest, path: dict[str, str], answer: HttpResponse
) -> Parameters:
    """The arguments of the view. Raises what Ninja raises, and 422 for unknown parameters."""
    query = request.META["QUERY_STRING"]
    sent = _parsed.get((operation, query)) if request.method == "GET" else None
    response = operation.signature.response_arg
    if sent is None or not all(map(USUAL_ID.fullmatch, path.values())):
        values: Parameters = operation._get_values(request, path, answer)
        sent = {n: value for n, value in values.items() if n not in path and n != response}
        for each in sent.values():
            if isinstance(each, QueryParams):
                each.refuse_unknown(request)
        # Each cursor comes once.
        if request.method == "GET" and len(query) <= QUERY_CHARS and "cursor=" not in query:
            remember(operation, query, sent)
        return values
    ids = {name: UUID(text) for name, text in path.items()}
    return {**ids, **sent, **({response: answer} if response else {})}


def remember(operation: Operation, query: str, sent: Parameters) -> None:
    if len(_parsed) >= MOST_PARSED:
        _parsed.clear()
    _parsed[operation, query] = sent
