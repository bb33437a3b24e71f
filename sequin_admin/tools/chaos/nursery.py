"""A process that has loaded the product, and forks itself for each command: loading takes a second
of the processor, and a chaos run starts a process for each that it has killed."""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

COMMANDS = ("worker.management.commands.worker", "tools.management.commands.chaos")


class Nursery:
    """The product's processes with one environment, by their process ids."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-u", "-m", __name__, str(theirs.fileno())],
                env={"DJANGO_SETTINGS_MODULE": "sequin_admin.settings", **environment},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            self.lines = ours.makefile("rw")

    def start(self, command: list[str], output: Path, errors: Path) -> int:
        return self.request(command=command, outputs=[str(output), str(errors)])

    def wait(self, pid: int) -> int:
        """The exit code, or the signal as a negative number."""
        return self.request(wait=pid)

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        self.wait(pid)

    def end(self) -> None:
        """Kill all that still run."""
        self.lines.close()
        self.process.wait()

    def request(self, **asked: Any) -> int:
        print(json.dumps(asked), file=self.lines, flush=True)
        return int(self.lines.readline())


def serve(asking: socket.socket) -> list[str]:
    """Answer until nobody asks any more, and end what was started; in a child, return its
    command."""
    children = set[int]()
    # Who asked may be gone before the answer.
    with suppress(BrokenPipeError), asking, asking.makefile("rw") as lines:
        for line in lines:
            asked = json.loads(line)
            if "wait" in asked:
                children.discard(asked["wait"])
                answer = os.waitstatus_to_exitcode(os.waitpid(asked["wait"], 0)[1])
            elif answer := os.fork():
                children.add(answer)
            else:
                write_to(asked["outputs"])
                return list(asked["command"])
            print(answer, file=lines, flush=True)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return []


def write_to(outputs: list[str]) -> None:
    """Be a process of its own, whose output and errors go into these files."""
    os.setsid()
    for number, path in enumerate(outputs, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)


def main() -> None:
    import django
    from django.db import connections

    django.setup()
    for name in COMMANDS:
        import_module(f"sequin_admin.{name}")
    connections.close_all()
    gc.freeze()
    if command := serve(socket.socket(fileno=int(sys.argv[1]))):
        from sequin_admin.core.command import run

        run(command)


if __name__ == "__main__":
    main()
