"""The providers' official npm packages, unmodified, under the providers' real names with TLS.

Each runs in a process of its own, all at once: sign-in, a list to its last page, a write that is
read back and stands in the oracle where rows live, an error, a throttled call.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.simulator_server import ROOT

RESOLVE = ROOT / "sequin_admin/simulator/tls/resolve.cjs"
FOLDER = Path(__file__).with_name("node")
READING = ["signIn", "list", "error", "throttled"]
WRITING = ["signIn", "list", "write", "error", "throttled"]
STEPS = {
    **dict.fromkeys(("airtable", "github", "hubspot", "linear"), WRITING),
    **dict.fromkeys(("quickbooks", "salesforce", "shopify", "stripe"), WRITING),
    **dict.fromkeys(("auth0", "sendgrid"), READING),
}
pytestmark = pytest.mark.faults


@pytest.fixture(scope="session")
def node():
    """The command, once the locked packages are there."""
    command = shutil.which("node")
    if command is None:
        if os.environ.get("REQUIRE_ALL_LEGS"):
            pytest.fail(
                "REQUIRE_ALL_LEGS is set, and this machine has no Node: the npm SDKs need it."
            )
        pytest.skip("Without Node 20 the providers' npm SDKs are left out.")
    lock, done = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--silent"], cwd=FOLDER, check=True, timeout=300)
        done.touch()
    return command


def test_each_package_signs_in_lists_writes_and_tells_errors_apart(node, simulator):
    environment = {
        **os.environ,
        "NODE_EXTRA_CA_CERTS": str(simulator.ca),
        "SIMULATOR_TLS": f"127.0.0.1:{simulator.port}",
        "SIMULATOR_URL": simulator.url,
    }
    started = {
        name: subprocess.Popen(
            [node, "--require", str(RESOLVE), "run.js", name],
            cwd=FOLDER,
            env=environment,
            stdout=subprocess.PIPE,
        )
        for name in STEPS
    }

    told = {
        name: json.loads(process.communicate(timeout=120)[0]) for name, process in started.items()
    }

    assert told == {name: dict.fromkeys(steps) for name, steps in STEPS.items()}
