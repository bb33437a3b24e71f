"""A client that costs next to nothing: one request, made before, again and again."""

import socket

from sequin_admin.tools.benchmarks.load import HOST


def send_all(port: int, request: bytes, calls: int) -> None:
    """Send the request on one connection. Raises `RuntimeError` for another answer than 200."""
    with socket.create_connection((HOST, port)) as connection, connection.makefile("rb") as answers:
        for _ in range(calls):
            connection.sendall(request)
            status, length = answers.readline(), 0
            if b" 200 " not in status:
                raise RuntimeError(f"The simulator answered {status!r}.")
            while (line := answers.readline().lower()) != b"\r\n":
                name, _, value = line.partition(b":")
                length = int(value) if name == b"content-length" else length
            answers.read(length)
