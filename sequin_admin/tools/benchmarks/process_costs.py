"""Benchmark of the processes, as the code is here and beside it at another commit: how long a
second start takes, memory, and what three clients leave of a limit that they share."""

import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2

from sequin_admin.tools.benchmarks import lost_permits, permits
from sequin_admin.tools.benchmarks.load import HOST, THREADS
from sequin_admin.tools.benchmarks.source_trees import SourceTree, copied
from sequin_admin.tools.supervisor import Supervisor, free_port, gunicorn

STARTS, LOOK_EVERY_S, PATIENCE_S = 5, 0.01, 300
VISITS = 100
MOST = {"start_s": 1.5, "pss_mib": 250, "lost": 0.05}
TICKS_A_S, KIB_A_MIB = 100, 1024

Figures = dict[str, float]


def measure(beside: str = "") -> dict[str, object]:
    """Figures by commit; "now" is the code as it is here. `too_slow` names those over a limit."""
    with permits.redis_server() as url, ExitStack() as stack:
        trees = {
            name: stack.enter_context(copied(name if name == beside else "", REDIS_URL=url))
            for name in filter(None, ("now", beside))
        }
        for tree in trees.values():  # The first start compiles.
            measure_start(tree)
        starts: dict[str, list[Figures]] = {name: [] for name in trees}
        for _ in range(STARTS):
            for name, tree in trees.items():
                starts[name].append(measure_start(tree))
        figures = {
            name: {**medians(starts[name]), **measure_at_work(tree)} for name, tree in trees.items()
        }
    return {**figures, "too_slow": [n for n, most in MOST.items() if figures["now"][n] > most]}


def medians(starts: list[Figures]) -> Figures:
    return {name: round(statistics.median(s[name] for s in starts), 2) for name in starts[0]}


def measure_start(tree: SourceTree) -> Figures:
    """Seconds until `/` is answered with 200, and the processor time that the server used."""
    began = time.monotonic()
    with running(tree, with_worker=False) as (url, supervisor):
        wait_for_page(url)
        started = time.monotonic()
        used = sum(map(processor_s, pids_of(supervisor, "web")))
    return {"start_s": started - began, "start_cpu_s": used}


def wait_for_page(url: str) -> None:
    """Raises `TimeoutError`."""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        try:
            page = httpx2.get(url, follow_redirects=True, trust_env=False, timeout=PATIENCE_S)
        except httpx2.HTTPError:
            time.sleep(LOOK_EVERY_S)
            continue
        if page.status_code == httpx2.codes.OK:
            return
    raise TimeoutError(f"No 200 at {url} within {PATIENCE_S} s.")


def measure_at_work(tree: SourceTree) -> Figures:
    """What three clients lose of a limit, and then, after some pages, the processes' memory."""
    asked = lost_permits.prepare(tree)
    with running(tree, with_worker=True) as (url, supervisor):
        wait_for_page(url)
        lost = lost_permits.measure(tree, url, asked)
        with httpx2.Client(base_url=url, follow_redirects=True, trust_env=False) as client:
            for _ in range(VISITS):
                client.get("/")
                client.get("/v1/credentials", headers={"Authorization": f"Bearer {asked.key}"})
        memory = {
            f"pss_{name}_mib": round(sum(map(pss_mib, pids_of(supervisor, name))), 1)
            for name in ("web", "worker")
        }
    return {**memory, "pss_mib": round(sum(memory.values()), 1), **lost}


@contextmanager
def running(tree: SourceTree, *, with_worker: bool) -> Iterator[tuple[str, Supervisor]]:
    """The web server, with one process, and a worker. Yields its URL."""
    port, supervisor = free_port(), Supervisor(sys.stderr)
    commands = {"web": gunicorn("sequin_admin.wsgi", port, THREADS)}
    if with_worker:
        commands["worker"] = ["manage.py", "worker"]
    try:
        for name, command in commands.items():
            # Gunicorn looks for modules in the folder where it begins.
            supervisor.start(name, command, tree.environment, folder=tree.folder)
        yield f"http://{HOST}:{port}", supervisor
    finally:
        supervisor.stop()


def pids_of(supervisor: Supervisor, name: str) -> list[int]:
    """A child with its own children, which are of its session."""
    session = supervisor.children[name].pid
    stats = {int(file.parent.name): file for file in Path("/proc").glob("[0-9]*/stat")}
    return [pid for pid, file in stats.items() if stat_of(file)[3:4] == [str(session)]]


def stat_of(file: Path) -> list[str]:
    """The fields of proc(5) from the state on; none of a process that has ended."""
    try:
        return file.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def processor_s(pid: int) -> float:
    return sum(map(int, stat_of(Path(f"/proc/{pid}/stat"))[11:13])) / TICKS_A_S


def pss_mib(pid: int) -> float:
    """Proportional set size: what is shared counts in part."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / KIB_A_MIB
