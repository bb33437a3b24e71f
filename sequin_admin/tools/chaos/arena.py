"""The processes of a chaos run: started, killed at random and restarted."""

import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from sequin_admin.core import clock
from sequin_admin.tools.chaos.nursery import Nursery
from sequin_admin.tools.supervisor import ProcessFailed

# What workers and readers print when they are up.
RUNNING = "is running"


class Arena:
    """The product's processes by name, each with its output in a file of `folder`, and the
    simulator. All are killed at the end."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self.nursery = Nursery(environment)
        self.folder = folder
        self.simulator: subprocess.Popen[bytes] | None = None
        self.outputs: dict[str, Path] = {}
        self.commands: dict[str, list[str]] = {}
        self.children: dict[str, int] = {}
        self.kills: list[datetime] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.nursery.end()
        if self.simulator:
            self.simulator.kill()
            self.simulator.wait()

    def start_simulator(self, command: list[str], environment: Mapping[str, str]) -> None:
        with (self.folder / "simulator.log").open("wb") as output:
            self.simulator = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-u", *command],
                env=dict(environment),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def start(self, name: str, command: list[str]) -> None:
        self.commands[name] = command
        self.outputs[name] = self.folder / f"{name} {len(self.kills)}.log"
        self.children[name] = self.nursery.start(command, self.outputs[name], self.outputs[name])

    def victims(self) -> list[str]:
        return [name for name in self.children if name.startswith(("worker", "readers"))]

    def is_up(self, name: str) -> bool:
        """Whether the process has said that it works."""
        return RUNNING in self.outputs[name].read_text()

    def run(self, command: list[str]) -> str:
        """Run a command to its end and return its output. Raises `ProcessFailed` with the last
        lines of its error output."""
        with TemporaryDirectory(dir=self.folder) as folder:
            output, errors = Path(folder, "output"), Path(folder, "errors")
            if self.nursery.wait(self.nursery.start(command, output, errors)):
                raise ProcessFailed("\n".join(errors.read_text().strip().splitlines()[-3:]))
            return output.read_text()

    def kill(self, name: str) -> None:
        self.nursery.kill(self.children.pop(name))

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
