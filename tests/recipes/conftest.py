"""What recipes run with: a HubSpot account at the simulator, and Airbyte's CDK in its own venv."""

import os
import subprocess
from datetime import UTC, datetime

import pytest

from sequin_admin.access import keys
from sequin_admin.access.models import Scope
from sequin_admin.credentials.kinds import Rate
from sequin_admin.limits.models import set_limit
from tests.simulator_server import ROOT

VENV = ROOT / ".venv-airbyte"
EXAMPLES = ROOT / "deploy/examples"
ACCOUNT = "21902692"
RATE = Rate(allowed_requests=2, interval=1000, max_concurrent_requests=0)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def api_key(organization):
    keys._cache.clear()
    scopes = [Scope.SECRETS, Scope.PERMITS]
    return keys.create(organization, name="worker", scopes=scopes, actor=None)[1]


@pytest.fixture
def environment():
    """Of a recipe's process: no more than it needs."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1,localhost"}


@pytest.fixture
def hubspot(connected, simulated):
    """A HubSpot account whose limit is 2 calls a second."""
    row = connected("hubspot_oauth2")
    set_limit(row, RATE, actor=None)
    return row


@pytest.fixture
def wanted(simulated):
    """What the oracle knows of contacts that changed since a moment: ids with the time of it."""

    def wanted(since=""):
        rows, after = {}, ""
        while True:
            query = {"collection": "contacts", "after": after}
            url = f"{simulated.url}/control/hubspot/{ACCOUNT}/rows"
            page = simulated.http.get(url, params=query).json()
            rows |= {row["id"]: row["updated_at"] for row in page["rows"]}
            after = page["next"]
            if not after:
                return {pk: at for pk, at in rows.items() if at >= since}

    return wanted


def arrivals(simulated, path):
    """When calls arrived at the simulator, in µs."""
    calls = [call for call in simulated.calls("hubspot") if path in call["endpoint"]]
    arrived = (datetime.fromisoformat(call["at"]) for call in calls)
    return sorted(round((at - EPOCH).total_seconds() * 1e6) for at in arrived)


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
