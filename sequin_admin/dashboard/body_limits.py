"""Middleware that bounds the body of a request before it is read.

The web server holds no request longer than `DATA_UPLOAD_MAX_MEMORY_SIZE` (`core/arrivals.py`); here
are the smaller bounds that depend on the page. Nothing is written to disk.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

API = "/v1/"
NO_FILES = (
    "Files are accepted on the page of the organization only, as its logo. Nothing was changed: "
    "send the form without a file."
)


class FileRefused(SuspiciousOperation):
    """A file came where none is accepted."""


class RefuseFiles(FileUploadHandler):
    """Upload handler that raises `FileRefused` at the first file, before its content is read."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        raise FileRefused

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


def body_limits(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """413 for a body that is too big, 400 for a file where none is accepted."""

    def middleware(request: HttpRequest) -> HttpResponse:
        limit = body_limit(request)
        if is_chunked(request):
            read_chunked(request, limit)
        if body_length(request) > limit:
            return refuse(request, 413, too_big(limit))
        try:
            refuse_files(request)
        except FileRefused:
            return refuse(request, 400, NO_FILES)
        return get_response(request)

    return middleware


def body_limit(request: HttpRequest) -> int:
    if request.path_info.startswith(API):
        return settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    # Up to this size Django keeps an uploaded file in memory; a logo is smaller.
    return settings.FILE_UPLOAD_MAX_MEMORY_SIZE if takes_files(request) else settings.FORM_MAX_BYTES


def takes_files(request: HttpRequest) -> bool:
    return request.path_info == reverse("dashboard:organization")


def body_length(request: HttpRequest) -> int:
    """As Django reads it: what is no number counts as 0."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def is_chunked(request: HttpRequest) -> bool:
    """Whether the body has no length but an end that the server has found (RFC 9112)."""
    coded = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    return coded and bool(request.META.get("wsgi.input_terminated"))


def read_chunked(request: HttpRequest, limit: int) -> None:
    """Read a chunked body, at most one byte beyond the limit, and give the request its length.

    Django reads only as many bytes as `CONTENT_LENGTH` says: without it, none.
    """
    body = request.META["wsgi.input"].read(limit + 1)
    request.META["CONTENT_LENGTH"] = str(len(body))
    request.META["wsgi.input"] = request._stream = BytesIO(body)


def refuse_files(request: HttpRequest) -> None:
    """Raises `FileRefused` for a form with a file, unless the page takes one."""
    if request.content_type == "multipart/form-data" and not takes_files(request):
        request.upload_handlers = [RefuseFiles(request)]
        len(request.POST)


def too_big(limit: int) -> str:
    return (
        f"The body is too big: {limit:,} bytes are the most. Nothing was changed. Send less at "
        "once."
    )


def refuse(request: HttpRequest, status: int, sentence: str) -> HttpResponse:
    if request.path_info.startswith(API) or request.content_type == "application/json":
        return JsonResponse({"summary": sentence}, status=status)
    return HttpResponse(f"{sentence}\n", content_type="text/plain", status=status)
