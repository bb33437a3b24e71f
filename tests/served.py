"""Servers that answer in a thread of the test's own process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer

# How often it looks whether it is to end: each test waits for that.
LOOK_EVERY_S = 0.01


@contextmanager
def served(server: BaseServer) -> Iterator[None]:
    """It answers within the block, and is closed then."""
    thread = threading.Thread(target=server.serve_forever, args=(LOOK_EVERY_S,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
