"""Benchmark of single reads beside lists and requests that wait for a permit.

Where the time of a read goes, by `perf sched` and the times at which the server came to each step,
on two cores: the medians in ms, the mean of the slowest 2 percent in brackets.

| part | alone | beside |
|---|---|---|
| the main loop sees and collects it | 0.05 | 0.12 (1.2) |
| it is admitted | 0.01 | 0.01 (0.02) |
| a thread begins | 0.03 | 0.07 (0.6) |
| parsed, and the key found | 0.16 | 0.17 (0.3) |
| its statement | 0.13 | 0.24 (1.1) |
| of that in the database | 0.06 | 0.1 (0.4) |
| made | 0.11 | 0.12 (0.16) |
| the head is sent before the body | 0.03 | 0.03 (0.15) |
| the client has it | 0.04 | 0.04 (0.2) |

Beside, all of it waits 0.4 (1.4) for Python's turn and 0.2 (1.5) for a core, and computes for 0.5
(0.7). Four polls alone change nothing. What is left is the one list that works when a read comes:
see `core/admission.py`. That it gives way between its steps is not in these figures: the slowest
hundredth fell by it from 3.1 to 2.5 ms.
"""

import asyncio
import json
import statistics
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
    """The 99th percentile of a single read in ms, alone and beside the others: medians of turns."""
    url = "/v1/credentials"
    read = load.build_request(port, f"{url}/{one}", key)
    listed = load.build_request(port, f"{url}?limit=100", key)
    body = json.dumps({"n": 1, "lease_ms": 100, "wait_ms": WAIT_MS})
    poll = load.build_request(port, f"{url}/{waiting}/permits", key, method="POST", body=body)
    others = [listed] * READERS + [poll] * POLLS
    p99: dict[str, list[float]] = {"alone": [], "beside": []}
    with ThreadPoolExecutor(1) as thread:
        for number in range(load.ROUNDS + 1):
            for name, requests in (("alone", []), ("beside", others)):
                turn = thread.submit(asyncio.run, read_beside(port, read, requests)).result()
                p99[name] += [load.p99_ms(turn)] if number else []
    alone, beside = (statistics.median(p99[name]) for name in ("alone", "beside"))
    return {
        "list_readers": READERS,
        "polls": POLLS,
        "alone_p99_ms": round(alone, 2),
        "beside_p99_ms": round(beside, 2),
        "ratio": round(beside / alone, 2),
        "most": MOST_RATIO,
    }


async def read_beside(port: int, read: bytes, others: list[bytes]) -> list[float]:
    """Durations of single reads, one after the other, while others send their requests."""
    ends = time.perf_counter() + load.TAKES_S
    beside = [asyncio.create_task(load.send_requests(port, each, ends)) for each in others]
    took = await load.send_requests(port, read, ends)
    # Until those who wait have their permit: they would take the places of the next turn.
    await asyncio.gather(*beside)
    return took
