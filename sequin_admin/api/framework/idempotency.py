"""`Idempotency-Key` on every POST (draft-ietf-httpapi-idempotency-key-header)."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import structlog
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpResponse

from sequin_admin.access import idempotency
from sequin_admin.access.models import IdempotencyRecord
from sequin_admin.api.framework.auth import ApiRequest, check_cached_key
from sequin_admin.api.framework.errors import INVALID, ApiError

Result = TypeVar("Result")
log = structlog.get_logger(__name__)
HEADER, META_NAME = "Idempotency-Key", "HTTP_IDEMPOTENCY_KEY"
REPLAYED = "Idempotency-Replayed"
WRITES = ("INSERT", "UPDATE", "DELETE")
STORED_HEADERS = ("Content-Type", "ETag", "Location", "Cache-Control")
PATTERN = r"^[\x21-\x7e]{1,255}$"
PARAMETER = {
    "in": "header",
    "name": HEADER,
    "required": False,
    "schema": {"type": "string", "pattern": PATTERN, "minLength": 1, "maxLength": 255},
    "description": "A name of your own for this request, such as a UUID. Sent again with the same "
    "name within 24 hours it is not done twice: the first answer comes again, with "
    f"`{REPLAYED}: true`. 409 when the name was used for another request, or when the first is "
    "still under way, was cut off, or failed here and may have done something. Refused requests "
    "don't use it up.",
}
REPLAYED_HEADER = {
    "description": "true when this is the answer to an earlier request, given again.",
    "schema": {"type": "string", "const": "true"},
}

View = Callable[..., HttpResponse]


class WriteWatch:
    """Notes whether the database was asked to write."""

    seen = False

    def __call__(self, execute: Callable[..., Result], sql: str, *args: Any) -> Result:
        self.seen = self.seen or sql.upper().startswith(WRITES)
        return execute(sql, *args)


class ClaimedRequest(ApiRequest):
    """A request with a claimed `Idempotency-Key`. For type checks only."""

    claim: IdempotencyRecord
    writes: WriteWatch


def idempotent(view: View) -> View:
    """Execute a POST with an `Idempotency-Key` once. Wraps the view, which is authenticated."""

    @wraps(view)
    def wrapped(request: ClaimedRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        name = request.META.get(META_NAME) if request.method == "POST" else None
        if name is None:
            return view(request, *args, **kwargs)
        record, is_new = claim_key(request, name)
        if not is_new:
            return replay_response(record)
        request.claim, request.writes = record, WriteWatch()
        with connection.execute_wrapper(request.writes):
            return view(request, *args, **kwargs)

    return wrapped


def claim_key(request: ApiRequest, name: str) -> tuple[IdempotencyRecord, bool]:
    """The record of the key, and whether it is new. Raises 401, 403, 409 and 422."""
    if not re.fullmatch(PATTERN, name):
        message = "Send 1 to 255 visible ASCII characters, such as a UUID, or leave the header out."
        raise ApiError(422, INVALID, {HEADER: [message]})
    # With a cached API key the view checks its validity, which is too late here.
    check_cached_key(request)
    try:
        return idempotency.claim(request.auth, name, fingerprints(request))
    except idempotency.NotRepeatable as error:
        wait = error.retry_after_s
        headers = {} if wait is None else {"Retry-After": str(wait)}
        raise ApiError(409, str(error), headers=headers) from None


def fingerprints(request: ApiRequest) -> list[str]:
    """Hashes of all that determines the response. That includes the scopes: a key that has lost
    some must not get a response that needed them."""
    where = f"{request.method} {request.get_full_path()}"
    scopes = " ".join(sorted(request.auth.scopes))
    return idempotency.fingerprints(where.encode(), scopes.encode(), request.body)


def replay_response(record: IdempotencyRecord) -> HttpResponse:
    stored, headers = record.answer, {**record.answer["headers"], REPLAYED: "true"}
    return HttpResponse(stored["body"], status=record.status, headers=headers)


def finishing_claims(view: View) -> View:
    """Store the response to a request with a claimed key, or release the claim when it failed."""

    @wraps(view)
    def wrapped(request: ClaimedRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        claim: IdempotencyRecord | None = getattr(request, "claim", None)
        if claim:
            try:
                finish_claim(claim, response, may_be_done=may_be_done(request))
            except (DatabaseError, InterfaceError):
                # The claim stays, as after a cut-off request; the response is right all the same.
                log.exception("claim not finished")
        return response

    return wrapped


def may_be_done(request: ClaimedRequest) -> bool:
    """Whether a request that failed here has done something."""
    return getattr(request, "failed_here", False) and request.writes.seen


def finish_claim(claim: IdempotencyRecord, response: HttpResponse, *, may_be_done: bool) -> None:
    if 200 <= response.status_code < 300:
        headers = {name: response[name] for name in STORED_HEADERS if name in response}
        body = response.content.decode()
        idempotency.store_response(claim, response.status_code, headers, body)
    elif may_be_done:
        idempotency.record_failure(claim, response.status_code)
    else:
        idempotency.release_claim(claim)
