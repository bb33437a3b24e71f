"""`/healthz` of a worker on a port of its own: needs neither the database nor a free thread."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Of a client that sends nothing.
READ_TIMEOUT_S = 5.0


class HealthHandler(BaseHTTPRequestHandler):
    """Answers GET `/healthz`: 200 while the worker goes on, 503 when its main loop hangs."""

    timeout = READ_TIMEOUT_S
    server: "HealthServer"

    def do_GET(self) -> None:
        if self.path != "/healthz":
            self.respond(404, "Only GET /healthz is here.\n")
        elif self.server.goes_on():
            self.respond(200, "ok\n")
        else:
            self.respond(503, "The worker's main loop hangs.\n")

    def respond(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args: object) -> None:
        """Log nothing."""


class HealthServer(ThreadingHTTPServer):
    """In the block it answers, in threads that end with the process. Raises `OSError` for a port
    that is taken."""

    daemon_threads = True

    def __init__(self, port: int, goes_on: Callable[[], bool]) -> None:
        self.goes_on = goes_on
        super().__init__(("", port), HealthHandler)

    def __enter__(self) -> "HealthServer":
        threading.Thread(target=self.serve_forever, name="health", daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.shutdown()
        self.server_close()
