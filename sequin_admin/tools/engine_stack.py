"""The demo's engine in the development stack: its target and its process, on `.venv-engine`."""

import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings

from sequin_admin.core.env import ROOT, env
from sequin_admin.demo.models import Demo
from sequin_admin.tools.demo import engine
from sequin_admin.tools.management.commands.demo import write_private
from sequin_admin.tools.simulator import SimulatorControl
from sequin_admin.tools.supervisor import ProcessFailed, Supervisor, require_free

PYTHON = ROOT / ".venv-engine" / "bin" / "python"
# Made when all that it needs is installed there.
INSTALLED = ROOT / ".venv-engine" / ".engine"
PROGRAM = ROOT / "deploy/examples/dlt/sync.py"
PASSWORD_FILE = settings.DATA_DIR / "demo-target-password"
# What an engine needs of our environment; dlt looks for credentials in the rest.
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")


def require_engine() -> None:
    """Before anything is started. Raises `ProcessFailed` when the engine is not installed, or the
    port of its target is in use."""
    if not INSTALLED.exists():
        raise ProcessFailed("The engine is not installed: make run ENGINE=1 does that.")
    require_free(target_port(), "ENGINE=1 TARGET_PORT")


def target_port() -> int:
    return int(env.int("TARGET_PORT", default=8002))


def start_engine(supervisor: Supervisor, environment: Mapping[str, str]) -> None:
    """Start a PostgreSQL as the demo's target, and the process that carries out its syncs.
    Raises `ProcessFailed`."""
    demo = Demo.objects.filter(ready_at__isnull=False).first()
    if demo is None:
        supervisor.out.write("There is no demo here, so ENGINE=1 starts nothing.\n")
        return
    port = target_port()
    bare = {name: environment[name] for name in PASSED_ON if name in environment}
    bare["PYTHONPATH"] = str(ROOT)
    supervisor.start("target", target_command(port), bare, python=str(PYTHON))
    supervisor.wait_for_port("target", port)
    with SimulatorControl(environment["SIMULATOR_URL"]) as simulator:
        password = PASSWORD_FILE.read_text().strip()
        engine.prepare(demo, simulator, port=port, password=password)
    known = {
        "SEQUIN_URL": environment["PUBLIC_URL"],
        "SEQUIN_API_KEY": engine.KEY_FILE.read_text().strip(),
    }
    # Stopped before the target and the server, which it tells that it leaves its run to another.
    supervisor.start("engine", [str(PROGRAM)], bare | known, may_end=True, python=str(PYTHON))


def target_command(port: int) -> list[str]:
    if not PASSWORD_FILE.exists():
        write_private(PASSWORD_FILE, f"{secrets.token_urlsafe(24)}\n")
    module = "sequin_admin.tools.target_server"
    # The wheel warns of a folder that it does not need.
    return ["-W", "ignore", "-m", module, str(target_folder()), str(port), str(PASSWORD_FILE)]


def target_folder() -> Path:
    """PostgreSQL does not run as root, and its user can't open what is root's own."""
    if os.geteuid() == 0:
        return Path(tempfile.gettempdir(), f"sequin-admin-target{settings.DATA_DIR}")
    return Path(settings.DATA_DIR, "target")
