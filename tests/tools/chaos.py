"""Runs `manage.py chaos` in a process of its own."""

import subprocess
import sys

from sequin_admin.core.env import inherited
from tests.simulator_server import ROOT

COMMAND = [sys.executable, "manage.py", "chaos", "--json"]


def run_chaos(*arguments, **environment):
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env={**inherited(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
