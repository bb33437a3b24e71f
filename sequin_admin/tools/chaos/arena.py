"""The processes of a chaos run: started, killed at random and restarted."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sequin_admin.core import clock
from sequin_admin.tools.supervisor import ProcessFailed

# What workers and readers print when they are up.
RUNNING = "is running"


class Arena:
    """Child processes by name, each with its output in a file of `folder`. All are killed at the
    end."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self.environment = dict(environment)
        self.folder = folder
        self.outputs: dict[str, Path] = {}
        self.commands: dict[str, list[str]] = {}
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.kills: list[datetime] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in [*self.children]:
            self.kill(name)

    def start(
        self, name: str, command: list[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self.commands[name] = command
        self.outputs[name] = self.folder / f"{name} {len(self.kills)}.log"
        with self.outputs[name].open("wb") as output:
            self.children[name] = subprocess.Popen(  # noqa: S603 - our own commands
                [sys.executable, "-u", *command],
                env=dict(environment or self.environment),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def victims(self) -> list[str]:
        return [name for name in self.children if name.startswith(("worker", "readers"))]

    def is_up(self, name: str) -> bool:
        """Whether the process has said that it works."""
        return RUNNING in self.outputs[name].read_text()

    def run(self, command: list[str]) -> str:
        """Run a command to its end and return its output. Raises `ProcessFailed` with the last
        lines of its error output."""
        done = subprocess.run(  # noqa: S603
            [sys.executable, *command],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ProcessFailed("\n".join(done.stderr.strip().splitlines()[-3:]))
        return done.stdout

    def kill(self, name: str) -> None:
        child = self.children.pop(name)
        child.send_signal(signal.SIGKILL)
        child.wait()

    def wait_until_up(self, seconds: float = 300) -> None:
        """Wait until every process works. Raises `ProcessFailed` after `seconds`."""
        ends = time.monotonic() + seconds
        while not all(self.is_up(name) for name in self.victims()):
            if time.monotonic() > ends:
                raise ProcessFailed(f"Not all had begun within {seconds:g} seconds.")
            time.sleep(0.05)

    def kill_at_random(
        self, seconds: float, kill_every_s: float, is_enough: Callable[[float, int], bool]
    ) -> None:
        """Kill and restart a random worker or reader, `kill_every_s` seconds after all are up.

        Until `is_enough`, which is called with the seconds left and the number of kills.
        """
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            self.wait_until_up()
            time.sleep(min(left, kill_every_s))
            name = random.choice(self.victims())  # noqa: S311
            self.kill(name)
            self.kills.append(clock.now())
            self.start(name, self.commands[name])
            if is_enough(left, len(self.kills)):
                break
