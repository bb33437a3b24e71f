"""`manage.py chaos`: check that no refresh token gets lost. Exit code 1 when one was lost."""

import json
import os
import signal
import tempfile
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from sequin_admin.core.env import inherited
from sequin_admin.credentials import kinds
from sequin_admin.tools.chaos import fleet, reader, verdict
from sequin_admin.tools.chaos.arena import Arena
from sequin_admin.tools.simulator import SimulatorControl
from sequin_admin.tools.supervisor import SIMULATOR, ProcessFailed, free_port, gunicorn, wait_for

READERS_PER_PROCESS = 10
# The lease is ten seconds longer than the deadline; late responses come after both.
DEADLINE_S = 4
LATE_S = 15
# Ten seconds longer than the margin before expiry at which a token counts as expired.
ACCESS_LIFE_S = 70
RATES = {"late": 0.15, "lost": 0.1, "outage": 0.07, "throttle": 0.05, "html": 0.03}


class Command(BaseCommand):
    help = (
        "Run workers and readers against a simulated provider that fails by chance, kill them at "
        "random, and count what was lost. Takes an empty database, by default a SQLite file of its "
        "own. A kind without a grace time, such as airtable_oauth2, loses what is killed in the "
        "middle of a call; that is counted apart. Runs until enough was renewed and read; fails "
        "when it was not, and when no lease was raced for, cut off or taken over."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--credentials", type=int, default=200)
        parser.add_argument("--workers", type=int, default=4)
        parser.add_argument("--readers", type=int, default=50)
        parser.add_argument("--renewals", type=int, default=200, help="Least number of them.")
        parser.add_argument("--reads", type=int, default=1000, help="Least number of them.")
        parser.add_argument("--seconds", type=float, default=300, help="At most.")
        parser.add_argument(
            "--kill-every", type=float, default=2, help="Seconds from when all are up."
        )
        parser.add_argument("--database", default="", help="URL of an empty database.")
        parser.add_argument(
            "--kinds", default=",".join(fleet.ACCOUNT_PATTERNS), help="Separated by commas."
        )
        parser.add_argument("--json", action="store_true", help="Print JSON instead of a table.")
        # Internal: the parts that run as child processes.
        parser.add_argument("--part", choices=("fleet", "readers", "verdict"), default="")
        parser.add_argument("--notes", type=Path, default=Path())

    def handle(self, *args: Any, part: str, **options: Any) -> None:
        options["kinds"] = options["kinds"].split(",")
        unknown = set(options["kinds"]) - set(fleet.ACCOUNT_PATTERNS)
        if unknown:
            raise CommandError(f"Choose among {', '.join(fleet.ACCOUNT_PATTERNS)}.")
        try:
            {"": self.run_chaos, **PARTS}[part](**options)
        except (ProcessFailed, fleet.DatabaseNotEmpty) as failure:
            raise CommandError(str(failure)) from None

    def run_chaos(self, **options: Any) -> None:
        """Run and report. Raises `SystemExit` when it went wrong or proves too little."""
        # As Ctrl-C: what was started is ended on the way out.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with tempfile.TemporaryDirectory() as folder:
            counts, kills = self.run_processes(Path(folder), **options)
        self.report(counts, kills, options["json"])
        unproved = self.unproved(counts, options)
        if unproved:
            self.say(f"This run proves too little: {', '.join(unproved)}.")
        if unproved or any(row.bad for row in counts):
            raise SystemExit(1)

    def unproved(self, counts: list[verdict.Count], options: dict[str, Any]) -> list[str]:
        """What there was too little of."""
        if not options["renewals"]:
            return []
        renewals = sum(row.renewals for row in counts)
        reads = sum(row.reads for row in counts)
        few = [f"{renewals} renewals"] if renewals < options["renewals"] else []
        few += [f"{reads} reads"] if reads < options["reads"] else []
        states = verdict.missing_states(counts)
        return few + [f"never {name.replace('_', ' ')}" for name in states]

    def run_processes(self, folder: Path, **options: Any) -> tuple[list[verdict.Count], int]:
        """Run everything with its files in `folder`. Returns the counts and the number of kills."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        environment = {
            **inherited(),
            "DATABASE_URL": options["database"] or f"sqlite:///{folder / 'chaos.sqlite3'}",
            "SIMULATOR_URL": url,
            "PUBLIC_URL": "http://127.0.0.1:8000",
            "TOKEN_DEADLINE_S": str(DEADLINE_S),
            "LOG_LEVEL": "ERROR",
        }
        simulator_environment = {
            **environment,
            "DJANGO_SETTINGS_MODULE": "sequin_admin.simulator.settings",
            "SIMULATOR_DATABASE": str(folder / "simulator.sqlite3"),
        }
        same = ["manage.py", "chaos", "--notes", str(folder)]
        same += ["--kinds", ",".join(options["kinds"])]
        with Arena(environment, folder) as arena:
            arena.start_simulator(
                gunicorn(SIMULATOR, port, 96),
                simulator_environment,
            )
            wait_for(f"{url}/clock/")
            self.say("Connecting the accounts...")
            arena.run(["manage.py", "migrate", "--verbosity", "0"])
            self.set_faults(url, options["kinds"], {})
            arena.run([*same, "--part", "fleet", "--credentials", str(options["credentials"])])
            self.set_faults(url, options["kinds"], RATES)
            self.populate(arena, same, options)
            # A process that is killed before it works proves nothing.
            arena.wait_until_up()

            def is_enough(left_s: float, kills: int) -> bool:
                renewals = self.count_renewals(url, options)
                seen = reader.ReadLog.count(folder).items()
                reads = sum(number for (_, what), number in seen if what not in reader.NO_READS)
                self.say(f"{left_s:.0f} s left, {kills} killed, {renewals} renewals, {reads} reads")
                return bool(renewals >= options["renewals"] > 0 and reads >= options["reads"])

            arena.kill_at_random(options["seconds"], options["kill_every"], is_enough)
            for name in [*arena.children]:
                arena.kill(name)
            self.say("Counting...")
            simulator = SimulatorControl(url)
            for slug in options["kinds"]:
                simulator.clear_faults(provider_of(slug))
            killed = [at.isoformat() for at in arena.kills]
            (folder / "kills.json").write_text(json.dumps(killed))
            rows = json.loads(arena.run([*same, "--part", "verdict"]))
            return [verdict.Count(**row) for row in rows], len(arena.kills)

    def count_renewals(self, url: str, options: dict[str, Any]) -> int:
        """Tokens that the simulator gave, without those of the first connections."""
        with SimulatorControl(url) as simulator:
            given = [simulator.token_calls(provider_of(s), ok=True) for s in options["kinds"]]
        return sum(given) - int(options["credentials"])

    def set_faults(self, url: str, slugs: list[str], rates: dict[str, float]) -> None:
        """Set the access tokens' lifetime and the probability of each fault."""
        simulator = SimulatorControl(url)
        for slug in slugs:
            simulator.chaos(
                provider_of(slug), rates=rates, late_s=LATE_S, access_life_s=ACCESS_LIFE_S
            )

    def populate(self, arena: Arena, same: list[str], options: dict[str, Any]) -> None:
        for number in range(options["workers"]):
            arena.start(f"worker {number}", ["manage.py", "worker", "--threads", "4"])
        groups = -(-options["readers"] // READERS_PER_PROCESS)
        for number in range(groups):
            readers = min(READERS_PER_PROCESS, options["readers"] - number * READERS_PER_PROCESS)
            arena.start(
                f"readers {number}", [*same, "--part", "readers", "--readers", str(readers)]
            )

    def say(self, words: str) -> None:
        self.stderr.write(words)

    def report(self, counts: list[verdict.Count], kills: int, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"kills": kills, "kinds": verdict.as_json(counts)}))
            return
        for lost in (each for row in counts for each in row.losses):
            self.say(lost)
        rows = verdict.as_json(counts)
        table = Table("", title=f"{kills} processes killed")
        for row in rows:
            table.add_column(row["kind"], justify="right")
        for name in (name for name in rows[0] if name not in ("kind", "losses")):
            table.add_row(name.replace("_", " "), *(f"{row[name]:,}" for row in rows))
        Console().print(table)


def provider_of(slug: str) -> str:
    return str(kinds.get(slug).provider)


def make_fleet(**options: Any) -> None:
    fleet.make_credentials(options["kinds"], options["credentials"])


def run_readers(**options: Any) -> None:
    log = reader.ReadLog(options["notes"] / f"{os.getpid()}.jsonl")
    reader.run(options["readers"], log)


def print_verdict(**options: Any) -> None:
    seen = reader.ReadLog.count(options["notes"])
    killed = json.loads((options["notes"] / "kills.json").read_text())
    kills = [datetime.fromisoformat(at) for at in killed]
    print(json.dumps(verdict.as_json(verdict.count(options["kinds"], seen, kills))))


PARTS = {"fleet": make_fleet, "readers": run_readers, "verdict": print_verdict}
