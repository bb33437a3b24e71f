"""Benchmark of a slow limit that three processes share: how much of it they leave unused."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from sequin_admin.tools.benchmarks.source_trees import SourceTree

PROCESSES, THREADS = 3, 2
ALLOWED, INTERVAL_S = 10, 10
WINDOWS = 6
# So many calls more than `WINDOWS` has are waited for.
SLACK_S = 4


class SharedLimit(NamedTuple):
    """The id of a credential with that limit, and an API key."""

    credential: str
    key: str


def prepare(tree: SourceTree) -> SharedLimit:
    rate = {"allowed_requests": ALLOWED, "interval": INTERVAL_S * 1000}
    given = json.dumps({**rate, "max_concurrent_requests": 0})
    return SharedLimit(*json.loads(tree.run(script("prepare_permits"), given)))


def script(name: str) -> str:
    """The path of a file of ours that other commits need not have; it runs on their code."""
    return str(Path(__file__).with_name(f"{name}.py"))


def measure(tree: SourceTree, url: str, asked: SharedLimit) -> dict[str, float]:
    """How many calls began, and the share of the limit that was lost from the first on."""
    seconds = str(WINDOWS * INTERVAL_S + SLACK_S)
    caller = [sys.executable, script("permit_caller"), url, *asked, seconds]

    def call(number: int) -> list[float]:
        command = [*caller, str(THREADS)]
        printed = subprocess.check_output(command, env=tree.environment)  # noqa: S603
        times: list[float] = json.loads(printed)
        return times

    with ThreadPoolExecutor(PROCESSES) as pool:
        times = sorted(at for each in pool.map(call, range(PROCESSES)) for at in each)
    return {"processes": PROCESSES, "calls": len(times), "lost": round(lost_share(times), 3)}


def lost_share(times: list[float]) -> float:
    """Of the limit, from the first call to the first of the last whole window; all when there is
    none. `times` are in order."""
    windows = (len(times) - 1) // ALLOWED
    if windows < 1:
        return 1.0
    return 1 - windows * INTERVAL_S / (times[windows * ALLOWED] - times[0])
