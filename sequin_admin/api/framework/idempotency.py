"""`Idempotency-Key` on every POST (draft-ietf-httpapi-idempotency-key-header)."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

from sequin_admin.access import idempotency, keys
from sequin_admin.access.models import IdempotencyRecord
from sequin_admin.api.framework.auth import know_again
from sequin_admin.api.framework.errors import INVALID, ApiError

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT_HEADERS = ("Content-Type", "ETag", "Location", "Cache-Control")
PATTERN = r"^[\x21-\x7e]{1,255}$"
PARAMETER = {
    "in": "header",
    "name": HEADER,
    "required": False,
    "schema": {"type": "string", "pattern": PATTERN, "minLength": 1, "maxLength": 255},
    "description": "A name of your own for this request, such as a UUID. Sent again with the same "
    "name within 24 hours it is not done twice: the first answer comes again, with "
    f"`{REPLAYED}: true`. 409 when the name was used for another request, or when the first is "
    "still under way or was cut off. Refused requests don't use it up.",
}
REPLAYED_HEADER = {
    "description": "true when this is the answer to an earlier request, given again.",
    "schema": {"type": "string", "const": "true"},
}

View = Callable[..., Any]


def once(view: View) -> View:
    """Do a POST that carries a key once. Around the view, so that the caller is known by then."""

    @wraps(view)
    def wrapped(request: Any, *args: Any, **kwargs: Any) -> Any:
        name = request.headers.get(HEADER) if request.method == "POST" else None
        if name is None:
            return view(request, *args, **kwargs)
        known, ours = claimed(request, name)
        if not ours:
            return again(known)
        request.claim = known
        return view(request, *args, **kwargs)

    return wrapped


def claimed(request: Any, name: str) -> tuple[IdempotencyRecord, bool]:
    if not re.fullmatch(PATTERN, name):
        said = "Send 1 to 255 visible ASCII characters, such as a UUID, or leave the header out."
        raise ApiError(422, INVALID, {HEADER: [said]})
    # Some operations look only later whether the key still holds.
    if not keys.holds(request.auth):
        know_again(request)
    try:
        return idempotency.claim(request.auth, name, fingerprint(request))
    except idempotency.NotRepeatable as error:
        wait = error.retry_after_s
        headers = {} if wait is None else {"Retry-After": str(wait)}
        raise ApiError(409, str(error), headers=headers) from None


def fingerprint(request: Any) -> str:
    """Of all that decides on the answer. The scopes too: what a key was given when it had more of
    them is not given again."""
    where = f"{request.method} {request.get_full_path()}"
    scopes = " ".join(sorted(request.auth.scopes))
    return idempotency.fingerprint(where.encode(), scopes.encode(), request.body)


def again(known: IdempotencyRecord) -> HttpResponse:
    answer, headers = known.answer, {**known.answer["headers"], REPLAYED: "true"}
    return HttpResponse(answer["body"], status=known.status, headers=headers)


def settled(view: View) -> Callable[..., HttpResponse]:
    """Keep the answer that a claimed request got, or free its key when nothing was done."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer: HttpResponse = view(request, *args, **kwargs)
        settle(getattr(request, "claim", None), answer)
        return answer

    return wrapped


def settle(claim: IdempotencyRecord | None, answer: HttpResponse) -> None:
    if claim and 200 <= answer.status_code < 300:
        headers = {name: answer[name] for name in KEPT_HEADERS if name in answer}
        idempotency.store_response(claim, answer.status_code, headers, answer.content.decode())
    elif claim:
        idempotency.release_claim(claim)
