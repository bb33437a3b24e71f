"""Measures response times: with Django's test client, or over HTTP with many connections."""

import asyncio
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2
from django.db import connection
from django.test import Client

from sequin_admin.core.env import inherited
from sequin_admin.tools.supervisor import Supervisor, free_port, gunicorn

HOST = "127.0.0.1"
CONNECTIONS = 16
# As in the Dockerfile: who waits for a thread is served in turn.
THREADS = 8
ROUNDS = 5
TAKES_S = 2.0


@dataclass(frozen=True)
class Turn:
    """Responses per second of all connections together, the duration of each in seconds, and the
    processor time of the server for each."""

    per_s: float
    took: list[float]
    cpu_ms: float = 0.0


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
            "web", gunicorn("sequin_admin.tools.benchmarks.wsgi", port, THREADS), environment
        )
        supervisor.wait_for("web", f"http://{HOST}:{port}/healthz")
        yield port
    finally:
        supervisor.stop()


def build_request(
    port: int,
    path: str,
    key: str,
    method: str = "GET",
    body: str = "",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}:{port}", f"Authorization: Bearer {key}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
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
                before = processor_s(port)
                turn = thread.submit(asyncio.run, run_turn(port, request)).result()
                used_ms = (processor_s(port) - before) * 1000
                if number:  # The first round opens connections and fills caches.
                    measured[name].append(replace(turn, cpu_ms=used_ms / len(turn.took)))
    return measured


def median_ms(took: list[float]) -> float:
    """Of durations in seconds."""
    return statistics.median(took) * 1000


def p99_ms(took: list[float]) -> float:
    """The 99th percentile of durations in seconds."""
    return sorted(took)[int(len(took) * 0.99)] * 1000


def processor_s(port: int) -> float:
    """Processor time that the server has used, which has one process."""
    used = httpx2.get(f"http://{HOST}:{port}/used", trust_env=False, timeout=30)
    seconds: float = used.json()["processor_s"]
    return seconds


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
    """Durations of the responses on one connection, of at least one. Raises `RuntimeError` unless
    all are 200 or 304."""
    reader, writer = await asyncio.open_connection(HOST, port)
    took = list[float]()
    while not took or time.perf_counter() < ends:
        asked = time.perf_counter()
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *headers = head.splitlines()
        if not {" 200 ", " 304 "} & {status[8:13]}:
            raise RuntimeError(f"The server answered {status}.")
        lengths = (
            line.partition(":")[2] for line in headers if line.lower().startswith("content-length:")
        )
        if " 200 " in status:
            await reader.readexactly(int(next(lengths)))
        took.append(time.perf_counter() - asked)
    writer.close()
    return took
