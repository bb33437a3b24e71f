"""`make test` runs every leg, also after a failed one, and prints a summary."""

import signal
import subprocess
import sys

from sequin_admin.core.env import ROOT

RUN = "import sys; from tests import run_legs as r; r.LEGS = {legs}; sys.exit(r.main())"
WAIT = "import time; print('waits', flush=True); time.sleep(60)"


def start(**legs):
    commands = {name: ["-c", code] for name, code in legs.items()}
    return subprocess.Popen(
        [sys.executable, "-c", RUN.format(legs=commands)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def summary(process):
    said = process.communicate(timeout=30)[0].splitlines()
    return {line[:24].strip(): line[24:33].strip() for line in said[-3:]}


def test_a_leg_that_fails_does_not_keep_the_next_from_being_run():
    runner = start(one="raise SystemExit(1)", two="raise SystemExit(77)", three="")

    assert summary(runner) == {"one": "FAILED", "two": "skipped", "three": "passed"}
    assert runner.returncode == 1


def test_all_is_well_when_every_leg_is():
    runner = start(one="", two="", three="")

    assert summary(runner) == {"one": "passed", "two": "passed", "three": "passed"}
    assert runner.returncode == 0


def test_a_signal_ends_the_leg_and_those_after_it():
    runner = start(one="", two=WAIT, three="")
    while runner.stdout.readline() != "waits\n":
        pass

    runner.send_signal(signal.SIGTERM)

    assert summary(runner) == {"one": "passed", "two": "FAILED", "three": "not run"}
    assert runner.returncode == 1
