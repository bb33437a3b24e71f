"""Servers that listen like PostgreSQL and misbehave."""

import base64
import re
import socket
import struct
import threading
from contextlib import suppress

import pytest


class Impostor(threading.Thread):
    """Listens like PostgreSQL and calls `behave` with the first connection."""

    def __init__(self, behave):
        super().__init__(daemon=True)
        self.behave, self.over = behave, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        while not self.over.is_set():
            with suppress(OSError):
                line, _ = self.listener.accept()
                with line, suppress(OSError):
                    self.behave(line)
                    self.over.wait(20)

    def close(self):
        self.over.set()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join(5)


@pytest.fixture
def impostor():
    started = []

    def start(behave):
        server = Impostor(behave)
        server.start()
        started.append(server)
        return server.port

    yield start
    for server in started:
        server.close()


# RFC 5802: the first message of a server that asks for SCRAM, and the one that says the rounds.
ASKS_SCRAM = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"
ROUNDS = 200_000_000


def ask_for_many_rounds(line):
    """Make the client compute for minutes."""
    line.recv(1000)
    line.sendall(ASKS_SCRAM)
    nonce = re.search(rb"r=([^,]+)", line.recv(1000))[1]
    first = b"r=" + nonce + b"ours,s=" + base64.b64encode(b"salt" * 4) + b",i=%d" % ROUNDS
    line.sendall(b"R" + struct.pack("!II", 8 + len(first), 11) + first)
