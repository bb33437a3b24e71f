"""The recipes of the page Engines: each file runs unchanged, in processes of its own."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from sequin_admin.limits import usage
from tests.client.test_arrivals import most_in_a_window
from tests.client.test_client import token_calls
from tests.patience import PATIENCE_S
from tests.recipes.conftest import ACCOUNT, EXAMPLES, RATE, arrivals

pytestmark = pytest.mark.faults

PAGES, ROWS = 3, 250
COMMANDS = {
    "python": [sys.executable, EXAMPLES / "python/read_contacts.py"],
    "requests": [sys.executable, EXAMPLES / "requests/read_contacts.py"],
    "singer": [
        *(sys.executable, EXAMPLES / "singer/run_tap.py"),
        *(EXAMPLES / "singer/tap_hubspot_contacts.py", EXAMPLES / "singer/config.json"),
    ],
    "curl": ["bash", EXAMPLES / "curl/read_contacts.sh"],
    "node": ["node", EXAMPLES / "node/read_contacts.mjs"],
}
NEEDED = {"curl": ("curl", "jq"), "node": ("node",)}


@pytest.fixture(params=COMMANDS)
def recipe(request, environment, live_server, api_key, hubspot, simulated, in_redis):
    """Run the recipe's file; returns the ended process."""
    missing = [name for name in NEEDED.get(request.param, ()) if shutil.which(name) is None]
    if missing:
        if os.environ.get("REQUIRE_ALL_LEGS"):
            pytest.fail(f"REQUIRE_ALL_LEGS is set, and this machine has no {missing[0]}.")
        pytest.skip(f"Without {missing[0]} its recipe is left out.")
    known = {"SEQUIN_URL": live_server.url, "SEQUIN_API_KEY": api_key}
    known |= environment | {"CREDENTIAL_ID": str(hubspot.pk)}

    def run():
        command = COMMANDS[request.param]
        return subprocess.run(
            command, env=known, capture_output=True, text=True, timeout=PATIENCE_S
        )

    simulated.set_count("hubspot", ACCOUNT, ROWS, "contacts")
    return run


def rows_in(said):
    """The contacts among lines of JSON; a Singer tap writes them as records."""
    lines = [json.loads(line) for line in said.splitlines()]
    rows = [line.get("record", line) for line in lines if line.get("type", "RECORD") == "RECORD"]
    assert len({row["id"] for row in rows}) == len(rows)
    return {row["id"]: row["updatedAt"] for row in rows}


def test_all_rows_arrive_within_the_limit_whatever_happens_to_calls(
    recipe, simulated, hubspot, wanted
):
    """HubSpot throttles a call; then the token has ended early."""
    simulated.act("hubspot", ACCOUNT, "throttle", times=1)
    before = token_calls(simulated)

    ended = [recipe()]
    simulated.act("hubspot", ACCOUNT, "expire")
    ended.append(recipe())

    assert [(each.returncode, each.stderr) for each in ended] == [(0, "")] * 2
    assert [rows_in(each.stdout) for each in ended] == [wanted()] * 2
    assert len(wanted()) == ROWS
    assert usage.gauge_of(hubspot).throttled == 1
    assert token_calls(simulated) == before + 1
    arrived = arrivals(simulated, "/contacts")
    assert len(arrived) == 2 * (PAGES + 1)
    assert most_in_a_window(arrived, RATE.interval) <= RATE.allowed_requests


def test_when_the_access_is_gone_it_says_whose_move_it_is(recipe, simulated, api_key):
    simulated.act("hubspot", ACCOUNT, "revoke")

    ended = recipe()

    assert ended.returncode == 1
    assert "The customer must connect" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert rows_in(ended.stdout) == {}
    assert api_key not in ended.stdout + ended.stderr
