"""The WSGI handler. Bodies may come in chunks (RFC 9112) and compressed (RFC 9110)."""

import gzip
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from io import BytesIO
from typing import cast
from wsgiref.types import StartResponse

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpResponse
from django.middleware.gzip import GZipMiddleware

from sequin_admin.simulator.dispatch import answer_call, names_provider
from sequin_admin.simulator.rows.collection import Fields

MOST_BYTES = 10_000_000
WITHOUT_BODY = (204, 304)
DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
}


class PlainBodyHandler:
    """Reads a body that is in chunks or compressed, so that its length is known. Calls of providers
    pass nothing of Django's that is for pages.

    One that is not compressed as its header says stays as it is, and is refused as nonsense.
    """

    def __init__(self) -> None:
        self.pages = WSGIHandler()
        self.answer = convert_exception_to_response(answer_call)
        self.compress = GZipMiddleware(answer_call).process_response

    def __call__(self, wsgi: Fields, start_response: StartResponse) -> Iterable[bytes]:
        decode = DECODERS.get(wsgi.get("HTTP_CONTENT_ENCODING", "").lower())
        if decode or wsgi.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
            length = wsgi.get("CONTENT_LENGTH")
            body = wsgi["wsgi.input"].read(int(length) if length else MOST_BYTES)
            with suppress(OSError, EOFError, zlib.error):
                body = decode(body) if decode else body
            wsgi.update({"CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)})
        if not names_provider(wsgi):
            return self.pages(wsgi, start_response)
        request = WSGIRequest(wsgi)
        answer = self.compress(request, cast(HttpResponse, self.answer(request)))
        response = cast(HttpResponse, answer)
        content: bytes = response.content
        if response.status_code not in WITHOUT_BODY:
            response.headers.setdefault("Content-Length", str(len(content)))
        status = f"{response.status_code} {response.reason_phrase}"
        start_response(status, list(response.items()))
        return [content]
