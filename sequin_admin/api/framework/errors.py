"""Errors: `{"summary", "validation_errors": {path: [message]}}`. None repeats what was sent."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.signals import got_request_exception
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    models,
)
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.log import log_response
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import Field

from sequin_admin.access.ceilings import CeilingReached
from sequin_admin.access.rights import RightLost
from sequin_admin.audit.models import get_audit_type
from sequin_admin.audit.repeats import record_repeatable
from sequin_admin.core.actors import actor_of
from sequin_admin.core.availability import RETRY_AFTER_S, mark_told
from sequin_admin.core.field_errors import MISMATCH, FieldError, field_errors
from sequin_admin.core.fields import DecryptionError
from sequin_admin.core.strict_json import TOO_DEEP, AmbiguousJSON
from sequin_admin.credentials import kinds
from sequin_admin.credentials.usage import InUse

PATH_CHARS = 300
UNAUTHORIZED = (
    "Send a valid API key as Authorization: Bearer sqn_.... "
    "This one is missing, unknown, expired or revoked."
)
INVALID = "Some fields are not valid. Nothing was changed."
UNKNOWN_PATH = "There is nothing at this address. See /v1/docs for what there is."
NO_SUCH_ID = "There is nothing with this id in your organization."
UNREADABLE = (
    "The body is not valid JSON, or holds what can't be stored: NUL, half a surrogate pair, "
    "NaN or Infinity."
)
TOO_BIG = (
    f"The body is too big: {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes are the most. Send less "
    "at once."
)
CONFLICT = (
    "Somebody else changed what this needs at the same moment, so nothing was changed. Read it "
    "again and repeat your request."
)
UNSTORABLE = "A value is too long or out of range. Nothing was changed."
SERVER_ERROR = (
    "Something went wrong here, and it is not your fault. Try again; if it happens twice, tell us "
    "the X-Request-Id of this answer."
)
DATABASE_AWAY = (
    "Our database can't be reached just now, and whether your request was done is not known. Wait "
    "as Retry-After says, then send it again."
)


class ApiError(Exception):
    """An error response: `status`, the message `summary` and, for 422, messages by field path."""

    def __init__(
        self,
        status: int,
        summary: str,
        fields: Mapping[str, Sequence[str]] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(summary)
        self.status, self.summary, self.fields = status, summary, fields
        self.headers = headers or {}


class Denied(ApiError):
    """403 for a key that may not do this, or not from there. Audited, with the row as the actor."""

    def __init__(self, row: models.Model, action: str, summary: str, **details: str) -> None:
        super().__init__(403, summary)
        self.row, self.action = row, action
        self.details: dict[str, Any] = dict(details)


def record_denied(request: HttpRequest, error: Denied) -> None:
    """Repeats from one address are counted."""
    actor = actor_of(request, error.row)
    details: dict[str, Any] = {"method": request.method, "path": request.path[:PATH_CHARS]}
    record_repeatable(error.row, error.action, actor, **details, **error.details)


class Problem(Schema):
    """Every error of this API."""

    summary: str = Field(examples=["There is no such credential in your organization."])
    validation_errors: dict[str, list[str]] | None = Field(
        default=None, examples=[{"properties.secret": ["This field is required."]}]
    )


class ErrorUser(Schema):
    """A row that needs what was to be deleted."""

    type: str = Field(description="credential, sync, consumer, ...", examples=["sync"])
    id: str
    name: str


class StillUsed(Problem):
    """Why it was not deleted. Where something needs it, the first 100 of those are listed."""

    in_use_by: list[ErrorUser] | None = None
    in_use_by_count: int | None = None


ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 412, 413, 422, 429, 500, 503), Problem)


def problem_response(
    status: int,
    summary: str,
    fields: Mapping[str, Sequence[str]] | None = None,
    **more: object,
) -> HttpResponse:
    body: dict[str, Any] = {"summary": summary, **more}
    if fields:
        body["validation_errors"] = {path: list(messages) for path, messages in fields.items()}
    return JsonResponse(body, status=status)


def add_exception_handlers(api: NinjaAPI) -> None:
    """Register a handler for each exception that becomes an error response."""

    @api.exception_handler(ApiError)
    def api_error(request: HttpRequest, error: ApiError) -> HttpResponse:
        if isinstance(error, Denied):
            try:
                record_denied(request, error)
            except DatabaseError as away:
                return database_away_response(request, away)
        answer = problem_response(error.status, error.summary, error.fields)
        for name, value in error.headers.items():
            answer[name] = value
        return answer

    @api.exception_handler(InUse)
    def in_use(request: HttpRequest, error: InUse) -> HttpResponse:
        users = [user_out(user) for user in error.users]
        return problem_response(409, str(error), in_use_by=users, in_use_by_count=error.count)

    @api.exception_handler(CeilingReached)
    def ceiling_reached(request: HttpRequest, error: CeilingReached) -> HttpResponse:
        return problem_response(409, str(error))

    @api.exception_handler(DecryptionError)
    def unreadable_secrets(request: HttpRequest, error: DecryptionError) -> HttpResponse:
        return problem_response(409, str(error))

    @api.exception_handler(DjangoValidationError)
    def domain_rule(request: HttpRequest, error: DjangoValidationError) -> HttpResponse:
        """A validation rule of the domain, with its messages by field."""
        if not hasattr(error, "error_dict"):
            return problem_response(422, " ".join(error.messages))
        return problem_response(422, INVALID, error.message_dict)

    @api.exception_handler(AuthenticationError)
    def unauthorized(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        answer = problem_response(401, UNAUTHORIZED)
        answer["WWW-Authenticate"] = "Bearer"
        return answer

    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        if any(detail["loc"][0] == "path" for detail in error.errors):
            return problem_response(404, NO_SUCH_ID)
        return problem_response(
            422, INVALID, messages_by_path(within_body(field_errors(error.errors)))
        )

    @api.exception_handler(HttpError)
    def unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
        reason = error.__cause__
        said = str(reason) if isinstance(reason, AmbiguousJSON) else UNREADABLE
        summary = said if error.status_code == 400 else str(error)
        return problem_response(error.status_code, summary)

    @api.exception_handler(RequestDataTooBig)
    def too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
        return problem_response(413, TOO_BIG)

    @api.exception_handler(DataError)
    def unstorable(request: HttpRequest, error: DataError) -> HttpResponse:
        return problem_response(422, UNSTORABLE)

    @api.exception_handler(RightLost)
    def right_lost(request: HttpRequest, error: RightLost) -> HttpResponse:
        return problem_response(403, str(error))

    @api.exception_handler(IntegrityError)
    def conflict(request: HttpRequest, error: IntegrityError) -> HttpResponse:
        """Concurrent changes that exclude each other: a sync of a stream that is being deleted."""
        return problem_response(409, CONFLICT)

    @api.exception_handler(OperationalError)
    @api.exception_handler(InterfaceError)
    def database_away(request: HttpRequest, error: Exception) -> HttpResponse:
        return database_away_response(request, error)

    @api.exception_handler(Exception)
    def server_error(request: HttpRequest, error: Exception) -> HttpResponse:
        return failure_response(request, problem_response(500, SERVER_ERROR), error)


def database_away_response(request: HttpRequest, error: Exception) -> HttpResponse:
    answer = problem_response(503, DATABASE_AWAY)
    answer["Retry-After"] = str(RETRY_AFTER_S)
    return failure_response(request, answer, error)


def failure_response(request: HttpRequest, answer: HttpResponse, error: Exception) -> HttpResponse:
    """`answer`, logged like Django's own to an uncaught error, unless the log says it already."""
    request.failed_here = True  # type: ignore[attr-defined]
    mark_told(answer, error)
    got_request_exception.send(sender=None, request=request)
    log_response(
        "%s: %s",
        answer.reason_phrase,
        request.path,
        response=answer,
        request=request,
        exception=error,
    )
    return answer


def user_out(user: models.Model) -> dict[str, str]:
    return {
        "type": str(getattr(user, "entity", "") or get_audit_type(user)),
        "id": str(user.pk),
        "name": str(user),
    }


MOST_PARTS = 20
NO_BODY = "There is no body. Send a JSON object, {} if you set nothing."
NOT_AN_INTEGER = "Send an integer: a whole number in digits."
# By type of pydantic's error. Some of pydantic's own messages quote what was sent.
SENTENCES = {
    MISMATCH: "This does not have the form that the provider uses.",
    "extra_forbidden": "This field is not known here. Remove it.",
    "missing": "This field is required.",
    "int_parsing": NOT_AN_INTEGER,
    "int_type": NOT_AN_INTEGER,
    "int_from_float": NOT_AN_INTEGER,
    "string_type": "Send a string: text in quotation marks.",
    "string_pattern_mismatch": "This does not have the form that is asked for here. See /v1/docs.",
    "uuid_parsing": "Send a UUID.",
    "recursion_depth_exceeded": TOO_DEEP,
}


def messages_by_path(errors: Iterable[FieldError]) -> dict[str, list[str]]:
    """Sentences by field path."""
    fields: dict[str, list[str]] = {}
    for error in errors:
        path, sentence = message_of(error)
        fields.setdefault(path or "body", []).append(sentence)
    return fields


def message_of(error: FieldError) -> tuple[str, str]:
    """The field's path, and the sentence about it."""
    # What is nested too deeply has a long one.
    path = path_of(error.path[:MOST_PARTS])
    if not path and error.type == "missing":
        return path, NO_BODY
    if error.type.startswith("union_tag"):
        known = ", ".join(kind.slug for kind in kinds.all())
        return f"{path}.kind".lstrip("."), f"Choose a kind: {known}."
    return path, error.sentence or SENTENCES.get(error.type, error.message)


def path_of(location: Sequence[str]) -> str:
    """("properties", "stripe_key", "secret") -> properties.secret"""
    return ".".join(part for part in location if kinds.find(part) is None)


def within_body(errors: Iterable[FieldError]) -> Iterator[FieldError]:
    """Ninja's errors, without where the values came from: ("body", "payload"), or ("query",)."""
    for error in errors:
        yield replace(error, path=error.path[2 if error.path[:1] == ("body",) else 1 :])
