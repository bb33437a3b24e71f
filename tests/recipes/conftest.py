"""Airbyte's CDK in its own venv, `.venv-airbyte`: the tests start processes of it."""

import os
import subprocess

import pytest

from tests.simulator_server import ROOT

VENV = ROOT / ".venv-airbyte"
MANIFEST = ROOT / "deploy/examples/airbyte/manifest.yaml"


@pytest.fixture(scope="session")
def airbyte():
    """Run a command of the venv with arguments; returns the ended process."""
    if not (VENV / ".done").exists():
        if os.environ.get("REQUIRE_ALL_LEGS"):
            pytest.fail("REQUIRE_ALL_LEGS is set, and .venv-airbyte is missing: make test-faults.")
        pytest.skip("Without .venv-airbyte, which make test-faults makes, the CDK is left out.")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "NO_PROXY": "127.0.0.1,localhost",
        # A manifest may name any class, so the CDK wants to be told that this one may.
        "AIRBYTE_ENABLE_UNSAFE_CODE": "true",
    }

    def run(command, *arguments, **more):
        return subprocess.run(
            [VENV / "bin" / command, *arguments],
            env=environment | more,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run
