"""Measures response times: with Django's test client, or over HTTP with many connections."""

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
    """Responses per second of all connections together, and the duration of each in seconds."""

    per_s: float
    took: list[float]


def time_requests(client: Client, path: str, rounds: int) -> dict[str, Any]:
    """Fastest, median and slowest response in ms, after one to warm up."""
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
def serve(**settings: str) -> Iterator[int]:
    """Run gunicorn, configured as in production, on the benchmark's database. Yields its port."""
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
        supervisor.start(
            "web", gunicorn("sequin_admin.tools.benchmarks.wsgi", port, CONNECTIONS), environment
        )
        supervisor.wait_for("web", f"http://{HOST}:{port}/healthz")
        yield port
    finally:
        supervisor.stop()


def build_request(port: int, path: str, key: str, method: str = "GET", body: str = "") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}:{port}", f"Authorization: Bearer {key}"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join((*lines, "", body)).encode()


def measure_turns(port: int, calls: dict[str, bytes]) -> dict[str, list[Turn]]:
    """Measure the requests in turns, so that a load peak of the machine affects all of them."""
    measured: dict[str, list[Turn]] = {name: [] for name in calls}
    # In a separate thread: in browser tests the current one has a running event loop.
    with ThreadPoolExecutor(1) as thread:
        for number in range(ROUNDS + 1):
            for name, request in calls.items():
                turn = thread.submit(asyncio.run, run_turn(port, request)).result()
                if number:  # The first round opens connections and fills caches.
                    measured[name].append(turn)
    return measured


def measure_rates(port: int, calls: dict[str, bytes]) -> dict[str, list[float]]:
    """Responses per second of each request, by turn."""
    return {
        name: [turn.per_s for turn in each] for name, each in measure_turns(port, calls).items()
    }


async def run_turn(port: int, request: bytes) -> Turn:
    """Send the request on all connections, repeatedly, for `TAKES_S` seconds."""
    began = time.perf_counter()
    ends = began + TAKES_S
    each = await asyncio.gather(*(send_requests(port, request, ends) for _ in range(CONNECTIONS)))
    took = [seconds for one in each for seconds in one]
    return Turn(len(took) / (time.perf_counter() - began), took)


async def send_requests(port: int, request: bytes, ends: float) -> list[float]:
    """Durations of the responses on one connection. Raises `RuntimeError` unless all are 200."""
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
