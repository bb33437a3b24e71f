"""How long answers take: one caller in this process, or many over HTTP at the same time."""

import asyncio
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test import Client

from sequin_admin.core.env import inherited
from sequin_admin.tools.supervisor import Supervisor, free_port, gunicorn

HOST = "127.0.0.1"
CONNECTIONS = 16
ROUNDS = 5
TAKES_S = 2.0


@dataclass(frozen=True)
class Turn:
    """Answers a second of all connections together, and how many seconds each took."""

    per_s: float
    took: list[float]


def timed(client: Client, path: str, rounds: int) -> dict[str, Any]:
    """Fastest, median and slowest answer in ms, after one that warms up."""
    client.get(path)
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        client.get(path)
        taken.append((time.perf_counter() - started) * 1000)
    return {
        "fastest_ms": round(min(taken), 1),
        "median_ms": round(statistics.median(taken), 1),
        "slowest_ms": round(max(taken), 1),
    }


@contextmanager
def served(**settings: str) -> Iterator[int]:
    """The port of a gunicorn that works in the benchmark's database as in production."""
    port, supervisor = free_port(), Supervisor(sys.stderr)
    environment = {
        **inherited(),
        "DJANGO_SETTINGS_MODULE": "sequin_admin.tools.benchmarks.settings",
        "BENCH_DATABASE": str(connection.settings_dict["NAME"]),
        "ALLOWED_HOSTS": HOST,
        "DEBUG": "False",
        **settings,
    }
    try:
        supervisor.start("web", gunicorn("sequin_admin.wsgi", port, CONNECTIONS), environment)
        supervisor.wait_for("web", f"http://{HOST}:{port}/healthz")
        yield port
    finally:
        supervisor.stop()


def call(port: int, path: str, key: str, method: str = "GET", body: str = "") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}:{port}", f"Authorization: Bearer {key}"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join((*lines, "", body)).encode()


def turns(port: int, calls: dict[str, bytes]) -> dict[str, list[Turn]]:
    """Each call again and again, in turns, so that a busy moment of the machine slows all."""
    measured: dict[str, list[Turn]] = {name: [] for name in calls}
    # In a thread of its own: that of a browser test has an event loop that never stops.
    with ThreadPoolExecutor(1) as thread:
        for number in range(ROUNDS + 1):
            for name, request in calls.items():
                turn = thread.submit(asyncio.run, take(port, request)).result()
                if number:  # The first round opens connections and fills caches.
                    measured[name].append(turn)
    return measured


def rates(port: int, calls: dict[str, bytes]) -> dict[str, list[float]]:
    """Answers a second to each call, in turns."""
    return {name: [turn.per_s for turn in each] for name, each in turns(port, calls).items()}


async def take(port: int, request: bytes) -> Turn:
    """All connections, each asking again as soon as it is answered."""
    began = time.perf_counter()
    ends = began + TAKES_S
    each = await asyncio.gather(*(ask(port, request, ends) for _ in range(CONNECTIONS)))
    took = [seconds for one in each for seconds in one]
    return Turn(len(took) / (time.perf_counter() - began), took)


async def ask(port: int, request: bytes, ends: float) -> list[float]:
    """How long each answer to one connection took. Anything but a 200 ends the benchmark."""
    reader, writer = await asyncio.open_connection(HOST, port)
    took = []
    while (asked := time.perf_counter()) < ends:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *headers = head.splitlines()
        if " 200 " not in status:
            raise RuntimeError(f"The server answered {status}.")
        lengths = (
            line.partition(":")[2] for line in headers if line.lower().startswith("content-length:")
        )
        await reader.readexactly(int(next(lengths)))
        took.append(time.perf_counter() - asked)
    writer.close()
    return took
