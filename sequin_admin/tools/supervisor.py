"""Starts and stops the processes of the development stack together."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from io import TextIOBase
from pathlib import Path
from typing import IO, TextIO

import httpx2

from sequin_admin.core import shutdown

WORKER_CLASS = "sequin_admin.gunicorn_worker.BufferingWorker"
CONFIG = "python:sequin_admin.gunicorn_config"
SIMULATOR = "sequin_admin.simulator.wsgi"


class ProcessFailed(Exception):
    """A process did not start, or ended by itself. `str()` says which and what to do."""


class Supervisor:
    """Child processes by name. Their output is prefixed with the name."""

    def __init__(self, out: TextIO | TextIOBase) -> None:
        self.out = out
        self.children: dict[str, subprocess.Popen[str]] = {}
        self.may_end: set[str] = set()
        self.relays: list[threading.Thread] = []

    def start(
        self,
        name: str,
        command: list[str],
        environment: Mapping[str, str],
        *,
        may_end: bool = False,
        python: str = sys.executable,
        folder: Path | None = None,
    ) -> None:
        """Start a child, in a folder. One that `may_end` leaves the others running when it does."""
        if may_end:
            self.may_end.add(name)
        child = subprocess.Popen(  # noqa: S603 - our own commands
            [python, *command],
            env=dict(environment),
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Ctrl-C must reach the supervisor only, which stops the children.
            start_new_session=True,
        )
        self.children[name] = child
        relay = threading.Thread(target=self.relay, args=(name, child.stdout), daemon=True)
        self.relays.append(relay)
        relay.start()

    def relay(self, name: str, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                self.out.write(f"{name:>9} | {line}")
                self.out.flush()

    def wait_for(self, name: str, url: str, seconds: float = 60) -> None:
        """Wait until the child responds at `url`. Raises `ProcessFailed`, also when one ends."""
        wait_for(url, seconds, name=name, meanwhile=self.check)

    def wait_for_port(self, name: str, port: int, seconds: float = 120) -> None:
        """Wait until the child listens. Raises `ProcessFailed`, also when one ends."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self.check()
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise ProcessFailed(f"The {name} did not start within {seconds:g} seconds.")

    def check(self) -> None:
        """Raises `ProcessFailed` when a child has ended by itself."""
        for name, child in list(self.children.items()):
            if child.poll() is None:
                continue
            ended = f"The {name} ended by itself (exit code {child.returncode})."
            if name not in self.may_end:
                raise ProcessFailed(ended)
            if child.returncode:
                self.out.write(
                    f"{ended} The others go on without it; the next start tries again.\n"
                )
            del self.children[name]

    def watch(self) -> None:
        """Block until a child ends by itself, then raise `ProcessFailed`."""
        while True:
            self.check()
            time.sleep(0.5)

    def stop(self) -> None:
        """Stop all children. Those that may end come first, as they ask the others to the end; the
        first one is the last, as the others may still wait for its answers."""
        stop_processes([self.children.pop(name) for name in self.may_end & self.children.keys()])
        children = list(self.children.values())
        stop_processes(children[1:])
        stop_processes(children[:1])
        for relay in self.relays:
            relay.join(1)


def stop_processes(processes: Sequence[subprocess.Popen[str]]) -> None:
    """SIGTERM to all, and SIGKILL to those that have not ended in time."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    ends = time.monotonic() + shutdown.KILL_AFTER_S
    for process in processes:
        try:
            process.wait(max(0.1, ends - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def require_free(port: int, setting: str) -> None:
    """Raises `ProcessFailed` when another process listens at the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise ProcessFailed(
                f"Port {port} is in use. Stop what listens there, or choose another: "
                f"make run {setting}={port + 100}"
            ) from None


def gunicorn(module: str, port: int, threads: int) -> list[str]:
    """The command of the Dockerfile, with one process and for one machine."""
    bind = ["--bind", f"127.0.0.1:{port}", "--threads", str(threads)]
    # The simulator starts a thread as it is loaded, which a fork would leave behind.
    bind += [] if module == SIMULATOR else ["--preload"]
    worker = ["--config", CONFIG, "--worker-class", WORKER_CLASS]
    return ["-m", "gunicorn", *bind, *worker, "--log-level", "warning", f"{module}:application"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(
    url: str,
    seconds: float = 60,
    *,
    name: str = "server",
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """Wait until `url` responds. Raises `ProcessFailed`, and whatever `meanwhile()` raises."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        meanwhile()
        try:
            if httpx2.get(url, timeout=5, trust_env=False).status_code < 500:
                return
        except httpx2.HTTPError:
            time.sleep(0.05)
    raise ProcessFailed(f"The {name} did not answer at {url} within {seconds:g} seconds.")
