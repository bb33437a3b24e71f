"""An OTLP/HTTP collector on loopback, and the product recording for it."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import connection

from sequin_admin.core import tracing
from tests.served import served


class Collector:
    """Records what is exported; answers with `status`."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.status, self.url = 200, ""

    def spans(self) -> list[Any]:
        """All that were exported, once recording has ended."""
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages

        tracing.close()
        requests = [messages.ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            collector.bodies.append(body)
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    with served(server):
        yield collector


@pytest.fixture
def recording(collector: Collector, monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[None]:
    """The product, in this process, with the variables that name the collector."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    tracing.start("web")
    tracing.on_connected(connection)
    yield
    tracing.close()
    connection.execute_wrappers.remove(tracing.trace_query)


def attributes_of(span: Any) -> dict[str, Any]:
    """Names and values, texts or numbers."""
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes
    }
