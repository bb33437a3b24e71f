"""Errors: `{"summary", "validation_errors": {path: [sentence]}}`. Never what was sent."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

from sequin_admin.credentials import kinds

UNAUTHORIZED = (
    "Send a valid API key as Authorization: Bearer sqn_.... "
    "This one is missing, unknown, expired or revoked."
)
INVALID = "Some fields are not valid. Nothing was changed."


class ApiError(Exception):
    """Answers with `status`, the sentence `summary` and, for 422, sentences by field path."""

    def __init__(
        self, status: int, summary: str, fields: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        super().__init__(summary)
        self.status, self.summary, self.fields = status, summary, fields


class Problem(Schema):
    """Every error of this API."""

    summary: str
    validation_errors: dict[str, list[str]] | None = None


ERRORS = {400: Problem, 401: Problem, 403: Problem, 404: Problem, 409: Problem, 422: Problem}


def problem(
    status: int, summary: str, fields: Mapping[str, Sequence[str]] | None = None
) -> HttpResponse:
    body: dict[str, Any] = {"summary": summary}
    if fields:
        body["validation_errors"] = {path: list(said) for path, said in fields.items()}
    return JsonResponse(body, status=status)


def install(api: NinjaAPI) -> None:
    """Teach `api` our errors."""

    @api.exception_handler(ApiError)
    def ours(request: HttpRequest, error: ApiError) -> HttpResponse:
        return problem(error.status, error.summary, error.fields)

    @api.exception_handler(AuthenticationError)
    def unauthorized(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        answer = problem(401, UNAUTHORIZED)
        answer["WWW-Authenticate"] = "Bearer"
        return answer

    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        fields: dict[str, list[str]] = {}
        for detail in error.errors:
            for path, sentence in sentences(detail):
                fields.setdefault(path, []).append(sentence)
        return problem(422, INVALID, fields)

    @api.exception_handler(HttpError)
    def unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
        summary = "The body is not valid JSON." if error.status_code == 400 else str(error)
        return problem(error.status_code, summary)


def sentences(detail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Field paths and sentences of one pydantic error."""
    path = path_of(detail["loc"])
    if detail["type"] == "match":
        names = str(detail["ctx"]["names"]).split(",")
        said = "This does not have the form that the provider uses."
        return [(f"{path}.{name}".lstrip("."), said) for name in names]
    if detail["type"] == "extra_forbidden":
        return [(path, "This field is not known here. Remove it.")]
    if detail["type"] == "missing":
        return [(path, "This field is required.")]
    if detail["type"].startswith("union_tag"):
        known = ", ".join(kind.slug for kind in kinds.all())
        return [(f"{path}.kind".lstrip("."), f"Choose a kind: {known}.")]
    return [(path, f"{detail['msg']}.")]


def path_of(location: Sequence[Any]) -> str:
    """("body", "payload", "properties", "stripe_key", "secret") -> properties.secret"""
    parts = [str(part) for part in location[2 if location[:1] in (("body",), ["body"]) else 1 :]]
    return ".".join(part for part in parts if kinds.get(part) is None)
