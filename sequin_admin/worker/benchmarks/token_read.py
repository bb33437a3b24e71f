"""How many tokens the API gives out in a second, beside a bare view that does the least."""

import asyncio
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from sequin_admin.access import keys
from sequin_admin.access.models import Organization, Scope
from sequin_admin.connect.models import Token
from sequin_admin.core.env import inherited
from sequin_admin.worker.benchmarks import refresh
from sequin_admin.worker.supervisor import Supervisor, free_port, gunicorn

HOST = "127.0.0.1"
CONNECTIONS = 16
ROUNDS = 5
TAKES_S = 2.0
LEAST_SHARE = 0.7


def throughput(organization: Organization) -> dict[str, Any]:
    """Answers a second of both, in turns, so that a busy moment of the machine slows both."""
    refresh.make_tokens(organization, 1)
    pk = Token.objects.values_list("pk", flat=True)[0]
    _, key = keys.create(organization, name="bench", scopes=[Scope.SECRETS], actor=None)
    with served() as port:
        measured = rates(
            port,
            {
                "floor": call(port, f"/floor/{pk}", key),
                "read": call(port, f"/v1/credentials/{pk}/token", key),
            },
        )
    shares = [read / floor for read, floor in zip(measured["read"], measured["floor"], strict=True)]
    return {
        "connections": CONNECTIONS,
        "reads_per_s": round(statistics.median(measured["read"])),
        "floor_per_s": round(statistics.median(measured["floor"])),
        "share": round(statistics.median(shares), 2),
        "least": LEAST_SHARE,
    }


def rates(port: int, calls: dict[str, bytes]) -> dict[str, list[float]]:
    """Answers a second to each call, in turns."""
    measured: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(ROUNDS + 1):
        for name, request in calls.items():
            rate = asyncio.run(answers_per_s(port, request))
            if number:  # The first round opens connections and fills caches.
                measured[name].append(rate)
    return measured


@contextmanager
def served(**settings: str) -> Iterator[int]:
    """The port of a gunicorn that works in the benchmark's database."""
    port, supervisor = free_port(), Supervisor(sys.stderr)
    environment = {
        **inherited(),
        "DJANGO_SETTINGS_MODULE": "sequin_admin.worker.benchmarks.settings",
        "BENCH_DATABASE": str(connection.settings_dict["NAME"]),
        "ALLOWED_HOSTS": HOST,
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


async def answers_per_s(port: int, request: bytes) -> float:
    """Of all connections together, each asking again as soon as it is answered."""
    began = time.perf_counter()
    ends = began + TAKES_S
    each = await asyncio.gather(*(ask(port, request, ends) for _ in range(CONNECTIONS)))
    return sum(each) / (time.perf_counter() - began)


async def ask(port: int, request: bytes, ends: float) -> int:
    """How often one connection was answered. Anything but a 200 ends the benchmark."""
    reader, writer = await asyncio.open_connection(HOST, port)
    answered = 0
    while time.perf_counter() < ends:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *headers = head.splitlines()
        if " 200 " not in status:
            raise RuntimeError(f"The server answered {status}.")
        lengths = (
            line.partition(":")[2] for line in headers if line.lower().startswith("content-length:")
        )
        await reader.readexactly(int(next(lengths)))
        answered += 1
    writer.close()
    return answered
