"""`python -m tests.run_legs -n 4`: run the suite on each database and print a summary.

The legs run side by side, as a leg often waits: the first with `-n` processes, each other with
half of them. What the first prints is seen at once, what another prints when that one has ended.

`--fast` runs the part that takes no browser and starts no product, with one kind where a test has
all. `--faults` runs what the suite leaves out: the tests marked `faults`, which are slow by nature;
`--drills` their full forms.

A failed leg does not end the others; Ctrl-C and SIGTERM do. Further arguments are passed to each
pytest.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

# PostgreSQL runs what its SQL, locks and types decide: no test without a database, nor these.
SQLITE_ONLY = (
    *("client", "command_line", "providers", "recipes", "sdks", "simulator", "staff"),
    *("test_canary.py", "test_documents.py", "test_image.py", "test_layers.py", "test_memory.py"),
    *("test_names.py", "test_run_legs.py", "test_sizes.py", "test_walk.py"),
    *(
        f"api/test_{what}.py"
        for what in (
            *("access", "documented_requests", "documents", "errors", "every_kind"),
            *("examples", "kinds", "parity", "walk"),
        )
    ),
    *("connect/test_every_provider.py", "connect/test_real_server.py", "credentials/test_forms.py"),
    *(
        f"core/test_{what}.py"
        for what in (
            # They have their own PostgreSQL.
            *("database_hangs", "failover"),
            *("destinations", "http", "networks", "prepared", "private_files", "redaction"),
            *("redis_urls", "settings", "words"),
        )
    ),
    *(
        f"dashboard/test_{what}.py"
        for what in (
            *(
                "body_limits",
                "doors",
                "every_kind",
                "fresh_login",
                "handbook",
                "headers",
                "notifications",
                "reach",
            ),
            *("shell", "snippets", "static", "template_lines"),
        )
    ),
    *("health/test_scenarios.py", "limits/test_redis_nodes.py", "syncs/test_postgres.py"),
    # It has its own PostgreSQL, too.
    "worker/test_moving.py",
    "tools/test_bench.py",
    *("tools/test_chaos_itself.py", "tools/test_repeats.py", "tools/test_slow_clients.py"),
    "tools/test_up.py",
)
# Runs on PostgreSQL, which can store less than SQLite. Collecting it takes half a minute.
FUZZER = "api/test_schema.py"
# PostgreSQL runs their small forms in the suite: the orders of the worker and another actor, each
# fault of twelve credentials, the demo of a few. What is larger in `--faults` is so in number only.
SMALL_ON_POSTGRESQL = ("browser", "schedules", "health/test_cause_drills.py", "tools/test_demo.py")
# Left out of `--fast`: what starts the product, a copy of it or a database server, the programs
# beside it, and what meets each page, operation, order of actors or answer to a kind.
SLOWEST = (
    *("tools", "api/test_new_resource.py", "core/test_settings.py", "providers/test_one_file.py"),
    *("command_line", "schedules", "sdks", "simulator", "syncs/test_postgres.py"),
    *("api/test_examples.py", "dashboard/test_doors.py", "test_canary.py", "test_walk.py"),
    *("health/test_scenarios.py", "providers/test_unexpected_answers.py"),
)
ON_POSTGRESQL = ["-m", "tests.postgres", "-m", "pytest", "--needs-database", "--one-kind"]
# Schemathesis, which only the fuzzer uses, takes a second of each process's start.
NO_FUZZER = ["-p", "no:schemathesis", f"--ignore=tests/{FUZZER}"]
# A process with nothing left takes tests of one that is behind.
BALANCED = ["--dist", "worksteal"]


def ignored(*names: str) -> list[str]:
    return [f"--ignore=tests/{name}" for name in names]


def files_marked(marker: str, *left_out: str) -> list[str]:
    """The test files that use the marker: collecting all others takes a minute."""
    known = (path for path in sorted(Path("tests").rglob("test_*.py")) if path.is_file())
    files = [path for path in known if f"pytest.mark.{marker}" in path.read_text()]
    folders = [Path("tests", name) for name in left_out]
    return [str(path) for path in files if not {path, *path.parents} & {*folders}]


LEGS = {
    "SQLite and the browser": [
        *("-m", "pytest", "-m", "not postgresql and not faults and not drills"),
        *NO_FUZZER,
    ],
    "PostgreSQL": [
        *(*ON_POSTGRESQL, "-m", "not faults and not drills"),
        *NO_FUZZER,
        *ignored("browser", *SQLITE_ONLY),
    ],
}
FAST = {
    "SQLite, no browser": [
        *("-m", "pytest", "--one-kind", "-m", "not postgresql and not faults and not drills"),
        *NO_FUZZER,
        *ignored("browser", *SLOWEST),
    ]
}
# Why a test was skipped: what this machine lacks.
REASONS = "-rs"
FAULTS = {
    "Faults, SQLite": [
        *("-m", "pytest", REASONS, "-m", "faults and not postgresql and not drills"),
        *NO_FUZZER,
        *files_marked("faults", FUZZER),
    ],
    "Faults, PostgreSQL": [
        *(*ON_POSTGRESQL, REASONS, "-m", "faults and not drills"),
        *files_marked("faults", *SQLITE_ONLY, *SMALL_ON_POSTGRESQL),
    ],
}
DRILLS = {
    "Drills, SQLite": ["-m", "pytest", REASONS, "-m", "drills", *files_marked("drills", FUZZER)],
    "Drills, PostgreSQL": [
        *(*ON_POSTGRESQL, REASONS, "-m", "drills"),
        *files_marked("drills", *SQLITE_ONLY),
    ],
}
# The exit code of a leg whose requirements this machine lacks.
SKIPPED = 77


# Thousands of processes would else compile all of our modules anew.
COMPILING = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def forward_signals(children: Sequence[subprocess.Popen[bytes]]) -> list[int]:
    """Stop the processes with what stops this one, also those that are added.

    Returns a list that gets the signals' numbers.
    """
    received = []

    def forward(number: int, frame: Any) -> None:
        received.append(number)
        # Ctrl-C has reached them already: the terminal interrupts the whole group.
        if number == signal.SIGTERM:
            for child in children:
                child.terminate()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, forward)
    return received


def start(
    command: list[str], output: IO[bytes] | None = None, environment: Mapping[str, str] = COMPILING
) -> subprocess.Popen[bytes]:
    """Start Python. Without a file for its output it writes to ours."""
    error_output = subprocess.STDOUT if output else None
    arguments = [sys.executable, *command]
    return subprocess.Popen(arguments, env=environment, stdout=output, stderr=error_output)


def run(command: list[str], environment: Mapping[str, str]) -> int:
    """Run Python and return its exit code, or 128 + the signal that we were stopped with."""
    child = start(command, environment=environment)
    received = forward_signals([child])
    code = child.wait()
    return 128 + received[0] if received else code


def results(children: Sequence[subprocess.Popen[bytes]]) -> Iterator[tuple[str, float]]:
    """Verdict and duration in seconds of each, in their order."""
    began = time.monotonic()

    def result(child: subprocess.Popen[bytes]) -> tuple[str, float]:
        code = child.wait()
        return {0: "passed", SKIPPED: "skipped"}.get(code, "FAILED"), time.monotonic() - began

    with ThreadPoolExecutor(len(children)) as pool:
        yield from pool.map(result, children)


def run_all(
    legs: Mapping[str, list[str]],
    processes: int,
    arguments: list[str],
    outputs: Sequence[IO[bytes] | None],
) -> Iterator[str]:
    """Run the legs side by side and print what they write to files. Yields a line for each."""
    children: list[subprocess.Popen[bytes]] = []
    received = forward_signals(children)
    for (name, command), output in zip(legs.items(), outputs, strict=True):
        if not output:
            print(f"\n{name}:", flush=True)
        share = (processes + 1) // 2 if output else processes
        leg = [*command, *BALANCED, "-n", str(share), *arguments]
        children.append(start(leg, output))
    # Some may have been started after the signal.
    for child in children if received else ():
        child.terminate()

    for name, output, (verdict, seconds) in zip(legs, outputs, results(children), strict=True):
        if output:
            print(f"\n{name}:", flush=True)
            output.seek(0)
            shutil.copyfileobj(output, sys.stdout.buffer)
        yield f"{name:<24}{verdict:<9}{seconds:5.0f} s"


def main() -> int:
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    parser.add_argument("-n", type=int, default=0)
    parser.add_argument("--fast", action="store_const", const=FAST, dest="legs", default=LEGS)
    parser.add_argument("--faults", action="store_const", const=FAULTS, dest="legs")
    parser.add_argument("--drills", action="store_const", const=DRILLS, dest="legs")
    options, arguments = parser.parse_known_args()

    with ExitStack() as files:
        outputs = [files.enter_context(tempfile.TemporaryFile()) for _ in options.legs]
        lines = [*run_all(options.legs, options.n, arguments, [None, *outputs[1:]])]
    print("\n" + "\n".join(lines))
    return int(any("FAILED" in line for line in lines))


if __name__ == "__main__":
    sys.exit(main())
