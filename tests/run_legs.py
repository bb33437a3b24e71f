"""`python -m tests.run_legs -n 2`: every leg of the suite, and a line about each at the end.

A leg that fails does not keep the next from being run; Ctrl-C or SIGTERM does. What the command
is given goes to each pytest.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

# What never touches our database runs once.
ONCE = ("command_line", "simulator", "sdks", "test_layers.py", "test_names.py", "test_documents.py")
LEGS = {
    "SQLite and the browser": ["-m", "pytest", "-m", "not postgresql"],
    "PostgreSQL": [
        *("-m", "tests.postgres", "-m", "pytest", "-m", "not browser"),
        *(f"--ignore=tests/{name}" for name in ONCE),
    ],
}
# The exit code of a leg that this machine has not what it takes for.
SKIPPED = 77


def run(command: list[str], environment: Mapping[str, str] | None = None) -> int:
    """Run Python and give its exit code, over 128 after a signal, which it has time to obey."""
    came = []
    child = subprocess.Popen([sys.executable, *command], env=environment)

    def note(number: int, frame: Any) -> None:
        came.append(number)
        # Ctrl-C has reached it already: the terminal interrupts the whole group.
        if number == signal.SIGTERM:
            child.terminate()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    code = child.wait()
    return 128 + came[0] if came else code


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
