"""`python -m tests.run_legs -n 2`: run the suite on each database and print a summary.

A failed leg does not prevent the next one; Ctrl-C and SIGTERM do. The arguments are passed to each
pytest.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

# Tests that do not use our database run once.
ONCE = ("command_line", "simulator", "sdks", "test_layers.py", "test_names.py", "test_documents.py")
LEGS = {
    "SQLite and the browser": ["-m", "pytest", "-m", "not postgresql and not faults"],
    "PostgreSQL": [
        *("-m", "tests.postgres", "-m", "pytest", "-m", "not browser and not faults"),
        *(f"--ignore=tests/{name}" for name in ONCE),
    ],
}
# The exit code of a leg whose requirements this machine lacks.
SKIPPED = 77


def run(command: list[str], environment: Mapping[str, str] | None = None) -> int:
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
    lines, failed, code = [], False, 0
    for name, command in LEGS.items():
        if code > 128:
            lines.append(f"{name:<24}not run")
            continue
        began = time.monotonic()
        print(f"\n{name}:", flush=True)
        code = run([*command, *sys.argv[1:]])
        verdict = {0: "passed", SKIPPED: "skipped"}.get(code, "FAILED")
        failed |= verdict == "FAILED"
        lines.append(f"{name:<24}{verdict:<9}{time.monotonic() - began:5.0f} s")
    print("\n" + "\n".join(lines))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
