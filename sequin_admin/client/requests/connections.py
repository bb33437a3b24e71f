"""Connections that look at a call's permit right before they send its request."""

import threading
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

# `look`: what a thread does when the connection of its call is there.
this_thread = threading.local()


def ignore(*args: object) -> None:
    pass


class PacedConnection(HTTPConnection):
    """Calls `look` when it is connected, and then sends."""

    def request(self, *args: Any, **options: Any) -> None:
        if self.is_closed:
            self.connect()
        getattr(this_thread, "look", ignore)()
        super().request(*args, **options)


class PacedTLSConnection(PacedConnection, HTTPSConnection):
    """`PacedConnection` with TLS."""


class PacedPool(HTTPConnectionPool):
    """Paced connections to one host."""

    ConnectionCls = PacedConnection


class PacedTLSPool(HTTPSConnectionPool):
    """Paced connections with TLS to one host."""

    ConnectionCls = PacedTLSConnection


POOLS = {"http": PacedPool, "https": PacedTLSPool}
