"""The port of the simulator with TLS: it passes TLS on, and is a proxy for CONNECT (RFC 9110).

A client that knows the providers' names comes by TLS at once, one that is told of a proxy by
`CONNECT api.stripe.com:443`. Both end at the same server; no other host is reachable.
"""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress

ENDINGS = (
    *(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError),
    # The command ends.
    asyncio.CancelledError,
)
TLS_HANDSHAKE = b"\x16"
MOST_HEAD = 16_384
REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
SENTENCE = (
    "The simulator's proxy leads to port 443 of the providers that it simulates, not to {}.\n"
)


class TlsFront:
    """`socket_path` is where the server listens, `knows_host` tells which names it has."""

    def __init__(self, socket_path: str, knows_host: Callable[[str], bool]) -> None:
        self.socket_path, self.knows_host = socket_path, knows_host

    async def serve(self, port: int) -> None:
        """Until SIGINT or SIGTERM."""
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        async with await asyncio.start_server(self.handle, "127.0.0.1", port, limit=MOST_HEAD):
            await stopped.wait()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(*ENDINGS):
            first = await reader.readexactly(1)
            if first == TLS_HANDSHAKE or await self._connects(first, reader, writer):
                passed_on = first if first == TLS_HANDSHAKE else b""
                await self._pass_on(passed_on, reader, writer)
        writer.close()

    async def _connects(
        self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer a request to connect; False when it is refused."""
        head = first + await reader.readuntil(b"\r\n\r\n")
        method, target, *_ = [*head.decode("latin-1").split("\r\n")[0].split(" "), "", ""]
        host, _, port = target.rpartition(":")
        if method == "CONNECT" and port == "443" and self.knows_host(host.lower()):
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            return True
        writer.write(REFUSAL + SENTENCE.format(target).encode())
        await writer.drain()
        return False

    async def _pass_on(
        self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(self.socket_path)
        server_writer.write(first)
        await asyncio.gather(pump(reader, server_writer), pump(server_reader, writer))


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side ends: then the other one is told."""
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()
