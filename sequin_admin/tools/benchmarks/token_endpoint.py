"""A token endpoint that responds after 50 ms. Run with `python -m`; prints its port."""

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TAKES_S = 0.05
BODY = json.dumps(
    {"access_token": "access", "refresh_token": "refresh", "expires_in": 3600, "scope": ""}
).encode()


class TokenEndpoint(BaseHTTPRequestHandler):
    """Answers every request with a token, after `TAKES_S`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(TAKES_S)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *args: object) -> None:
        """Log nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), TokenEndpoint)
    print(server.server_port, flush=True)
    server.serve_forever()
