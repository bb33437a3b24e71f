"""The providers' official npm packages, unmodified, under the providers' real names with TLS.

Each runs in a process of its own, all at once: sign-in, a list to its last page, a write that is
read back and stands in the oracle where rows live, an error, a throttled call.
"""

import json
import os
import subprocess

import pytest

from tests.sdks.conftest import NODE_FOLDER
from tests.simulator_server import ROOT

RESOLVE = ROOT / "sequin_admin/simulator/tls/resolve.cjs"

READING = ["signIn", "list", "error", "throttled"]
WRITING = ["signIn", "list", "write", "error", "throttled"]
STEPS = {
    **dict.fromkeys(("airtable", "github", "hubspot", "linear"), WRITING),
    **dict.fromkeys(("quickbooks", "salesforce", "shopify", "stripe"), WRITING),
    **dict.fromkeys(("auth0", "sendgrid"), READING),
}
pytestmark = pytest.mark.faults


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
            cwd=NODE_FOLDER,
            env=environment,
            stdout=subprocess.PIPE,
        )
        for name in STEPS
    }

    told = {
        name: json.loads(process.communicate(timeout=120)[0]) for name, process in started.items()
    }

    assert told == {name: dict.fromkeys(steps) for name, steps in STEPS.items()}
