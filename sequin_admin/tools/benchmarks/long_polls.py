"""Benchmark of single reads beside lists and requests that wait for a permit."""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sequin_admin.credentials.kinds import Rate
from sequin_admin.tools.benchmarks import load

READERS, POLLS = 4, 4
# One permit a second: four who ask wait nearly all of the time.
RATE = Rate(allowed_requests=1, interval=1000, max_concurrent_requests=0)
WAIT_MS = 10_000
MOST_RATIO = 3


def measure(port: int, key: str, one: str, waiting: str) -> dict[str, Any]:
    """The 99th percentile of a single read in ms, alone and beside the others, in turns."""
    url = "/v1/credentials"
    read = load.build_request(port, f"{url}/{one}", key)
    listed = load.build_request(port, f"{url}?limit=100", key)
    body = json.dumps({"n": 1, "lease_ms": 100, "wait_ms": WAIT_MS})
    poll = load.build_request(port, f"{url}/{waiting}/permits", key, method="POST", body=body)
    others = [listed] * READERS + [poll] * POLLS
    took: dict[str, list[float]] = {"alone": [], "beside": []}
    with ThreadPoolExecutor(1) as thread:
        for number in range(load.ROUNDS + 1):
            for name, requests in (("alone", []), ("beside", others)):
                turn = thread.submit(asyncio.run, read_beside(port, read, requests)).result()
                took[name] += turn if number else []
    alone, beside = (p99_ms(took[name]) for name in ("alone", "beside"))
    return {
        "list_readers": READERS,
        "polls": POLLS,
        "alone_p99_ms": alone,
        "beside_p99_ms": beside,
        "ratio": round(beside / alone, 2),
        "most": MOST_RATIO,
    }


def p99_ms(took: list[float]) -> float:
    return round(sorted(took)[int(len(took) * 0.99)] * 1000, 1)


async def read_beside(port: int, read: bytes, others: list[bytes]) -> list[float]:
    """Durations of single reads, one after the other, while others send their requests."""
    ends = time.perf_counter() + load.TAKES_S
    beside = [asyncio.create_task(load.send_requests(port, each, ends)) for each in others]
    took = await load.send_requests(port, read, ends)
    # Until those who wait have their permit: they would take the places of the next turn.
    await asyncio.gather(*beside)
    return took
