"""Bodies of requests as clients may send them: in chunks (RFC 9112) and compressed (RFC 9110)."""

import gzip
import zlib
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from wsgiref.types import StartResponse

from django.core.handlers.wsgi import WSGIHandler
from django.http.response import HttpResponseBase

from sequin_admin.simulator.rows.collection import Fields

MOST_BYTES = 10_000_000
DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
}


class PlainBodyHandler(WSGIHandler):
    """Reads a body that is in chunks or compressed, so that its length is known.

    One that is not compressed as its header says stays as it is, and is refused as nonsense.
    """

    def __call__(self, wsgi: Fields, start_response: StartResponse) -> HttpResponseBase:
        decode = DECODERS.get(wsgi.get("HTTP_CONTENT_ENCODING", "").lower())
        if decode or wsgi.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
            length = wsgi.get("CONTENT_LENGTH")
            body = wsgi["wsgi.input"].read(int(length) if length else MOST_BYTES)
            with suppress(OSError, EOFError, zlib.error):
                body = decode(body) if decode else body
            wsgi.update({"CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)})
        return super().__call__(wsgi, start_response)
