"""A server with scripted responses, one per call, that records its calls."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.served import served

CUT = "cut the line"


class Script:
    """A response is a status, a body (JSON, bytes or None) and optional headers; or `CUT`."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.url = ""

    def say(self, *answers: Any) -> None:
        self.answers += answers


@pytest.fixture
def script() -> Iterator[Script]:
    script = Script()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            script.seen.append((self.command, self.path, dict(self.headers), body))
            said = script.answers.pop(0)
            if said == CUT:
                self.close_connection = True
                return
            status, value, *headers = said
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
            data = b"" if value is None else data
            self.send_response(status)
            for name, text in {**dict(*headers), "Content-Length": str(len(data))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = answer

        def log_message(self, *arguments: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    with served(server):
        yield script
