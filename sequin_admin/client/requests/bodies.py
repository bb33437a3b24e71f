"""Bodies of answers that `requests` reads and decodes."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import requests
from urllib3 import BaseHTTPResponse

from sequin_admin.client.requests.connections import ignore


class Body(httpx2.SyncByteStream):
    """The body of an answer, which `requests` reads, decodes and keeps."""

    def __init__(self, answer: requests.Response) -> None:
        self.answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield self.answer.content

    def close(self) -> None:
        self.answer.close()


class MeteredRaw:
    """A `Response.raw` that calls `done` when it was read to its end, or closed."""

    def __init__(self, raw: BaseHTTPResponse, done: Callable[[], None]) -> None:
        self.raw, self.done = raw, done

    def __getattr__(self, name: str) -> object:
        return getattr(self.raw, name)

    def stream(self, *args: Any, **options: Any) -> Iterator[bytes]:
        try:
            yield from self.raw.stream(*args, **options)
        finally:
            self.close()

    def read(self, *args: Any, **options: Any) -> bytes:
        data = self.raw.read(*args, **options)
        if self.raw.closed or not data:
            self.close()
        return data

    def close(self) -> None:
        done, self.done = self.done, ignore
        self.raw.close()
        done()
