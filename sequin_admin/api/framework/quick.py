"""A way past Ninja for hot operations: parameters that were sent before in the same words are not
parsed again, and an answer that is bytes already is not validated.

What is not usual goes Ninja's way: it refuses, and documents, all the same.
"""

import re
from collections.abc import Callable
from functools import partial, wraps
from types import MethodType
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject
from ninja.errors import AuthenticationError
from ninja.operation import Operation
from ninja.params.models import PathModel

from sequin_admin.api.framework.auth import ApiRequest, CachedKeyAuth
from sequin_admin.api.framework.pagination import QueryParams
from sequin_admin.api.framework.schemas import Body
from sequin_admin.core.strict_json import read_json

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
    auth, body = CachedKeyAuth(), body_of(operation)

    @wraps(run)
    def quick_run(request: HttpRequest, **path: str) -> HttpResponse:
        try:
            key = auth(request)
            if not key:
                raise AuthenticationError
            cast(ApiRequest, request).auth = key
            answer = SimpleLazyObject(partial(operation.api.create_temporal_response, request))
            values = parse(operation, body, request, path, cast(HttpResponse, answer))
            result = operation.view_func(request, **values)
            if isinstance(result, HttpResponse):
                return result
            operation._result_to_response(request, result, cast(HttpResponse, answer))
            return cast(HttpResponse, answer._wrapped)
        except Exception as error:
            return operation.api.on_exception(request, error)

    return quick_run


def body_of(operation: Operation) -> tuple[str, type[Body]] | None:
    """The name and the schema of the one thing that the operation takes besides ids, if it is sent
    in a body."""
    sent = [model for model in operation.models if not issubclass(model, PathModel)]
    name = getattr(sent[0], "__read_from_single_attr__", "") if len(sent) == 1 else ""
    return (name, cast(type[Body], sent[0].model_fields[name].annotation)) if name else None


def parse(
    operation: Operation,
    body: tuple[str, type[Body]] | None,
    request: HttpRequest,
    path: dict[str, str],
    answer: HttpResponse,
) -> Parameters:
    """The arguments of the view. Raises what Ninja raises, and 422 for unknown parameters."""
    query = request.META["QUERY_STRING"]
    sent = _parsed.get((operation, query)) if request.method == "GET" else None
    response = operation.signature.response_arg
    if body and all(map(USUAL_ID.fullmatch, path.values())):
        sent = parse_body(request, *body)
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


def parse_body(request: HttpRequest, name: str, schema: type[Body]) -> Parameters | None:
    """None for what is to be refused: Ninja does so."""
    try:
        return {name: schema.model_validate(read_json(request.body))}
    except ValueError:
        return None


def remember(operation: Operation, query: str, sent: Parameters) -> None:
    if len(_parsed) >= MOST_PARSED:
        _parsed.clear()
    _parsed[operation, query] = sent
