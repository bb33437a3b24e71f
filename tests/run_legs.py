"""`python -m tests.run_legs -n 2`: run the suite on each database and print a summary.

`--fast` runs the part that takes no browser and starts no product. `--faults` runs what the suite
leaves out: the tests marked `faults`, which are slow by nature; `--drills` their full forms.

A failed leg does not prevent the next one; Ctrl-C and SIGTERM do. Further arguments are passed to
each pytest.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
# Left out of `--fast`: what starts the product as a whole, and what meets each kind's every answer.
SLOWEST = ("tools", "health/test_scenarios.py", "providers/test_unexpected_answers.py")
ON_POSTGRESQL = ["-m", "tests.postgres", "-m", "pytest", "--needs-database"]
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
        *("-m", "pytest", "-m", "not postgresql and not faults and not drills"),
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


def run(command: list[str], environment: Mapping[str, str] = COMPILING) -> int:
    """Run Python and return its exit code, or 128 + the signal that we were stopped with."""
    signals = []
    child = subprocess.Popen([sys.executable, *command], env=environment)

    def forward_signal(number: int, frame: Any) -> None:
        signals.append(number)
        # Ctrl-C has reached it already: the terminal interrupts the whole group.
        if number == signal.SIGTERM:
            child.terminate()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, forward_signal)
    code = child.wait()
    return 128 + signals[0] if signals else code


def main() -> int:
    options = {"--fast": FAST, "--faults": FAULTS, "--drills": DRILLS}
    legs = next((options[each] for each in sys.argv if each in options), LEGS)
    arguments = [each for each in sys.argv[1:] if each not in options]
    lines, failed, code = [], False, 0
    for name, command in legs.items():
        if code > 128:
            lines.append(f"{name:<24}not run")
            continue
        began = time.monotonic()
        print(f"\n{name}:", flush=True)
        code = run([*command, *BALANCED, *arguments])
        verdict = {0: "passed", SKIPPED: "skipped"}.get(code, "FAILED")
        failed |= verdict == "FAILED"
        lines.append(f"{name:<24}{verdict:<9}{time.monotonic() - began:5.0f} s")
    print("\n" + "\n".join(lines))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
