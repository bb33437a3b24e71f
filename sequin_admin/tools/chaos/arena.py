"""The processes of a chaos run: started, killed at random and restarted."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from sequin_admin.tools.supervisor import ProcessFailed


class Arena:
    """Child processes by name. All are killed at the end."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self.environment = dict(environment)
        self.log = log.open("ab")
        self.commands: dict[str, list[str]] = {}
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.kills = 0

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
        self.log.close()

    def start(
        self, name: str, command: list[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self.commands[name] = command
        self.children[name] = subprocess.Popen(  # noqa: S603 - our own commands
            [sys.executable, *command],
            env=dict(environment or self.environment),
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

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

    def wait_for(self, begun: Callable[[], bool], seconds: float = 120) -> None:
        """Wait until every process works. Raises `ProcessFailed` after `seconds`."""
        ends = time.monotonic() + seconds
        while not begun():
            if time.monotonic() > ends:
                raise ProcessFailed(f"Not all had begun within {seconds:g} seconds.")
            time.sleep(0.05)

    def kill_at_random(
        self, seconds: float, kill_every_s: float, report: Callable[[float, int], None]
    ) -> None:
        """Kill and restart a random worker or reader every `kill_every_s` seconds.

        `report` is called with the seconds left and the number of kills.
        """
        ends = time.monotonic() + seconds
        victims = [name for name in self.children if name.startswith(("worker", "readers"))]
        while (left := ends - time.monotonic()) > 0:
            time.sleep(min(left, kill_every_s))
            if time.monotonic() >= ends:
                break
            name = random.choice(victims)  # noqa: S311
            self.kill(name)
            self.start(name, self.commands[name])
            self.kills += 1
            report(left, self.kills)
