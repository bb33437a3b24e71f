"""What a hot call costs the simulator: Python calls and SQL statements. Speed that leaks away shows
here. Whoever makes a call cheaper lowers its number. And what it must not cost: that rows or limits
are others."""

import json
import os
import subprocess
import sys

from tests.patience import PATIENCE_S
from tests.simulator_server import ROOT

# Python calls, and statements with those that begin and end the transaction.
COSTS = {
    "an issue of GitHub": (478, 6),
    "10 issues of GitHub": (984, 6),
    "10 customers of Stripe": (863, 6),
    "100 customers of Stripe": (4305, 6),
    "10 contacts of Salesforce": (949, 6),
    "10 customers of NetSuite": (906, 4),
    "10 contacts of HubSpot": (983, 6),
    "10 records of Airtable": (942, 10),
    "a token": (769, 8),
}
TOLERANCE = 1.1
# Of rows as they were before they were made faster.
DIGESTS = {
    "airtable": "e8fbd882863ca696",
    "github": "19179b5a26dc067b",
    "hubspot": "9f0feb0a57f82b5b",
    "linear": "88ebb72a17c2cb21",
    "netsuite": "0696110418e364f8",
    "quickbooks": "c7111c1a1345db2f",
    "salesforce": "e1c5e78d1bc17f12",
    "shopify": "1a41193f0283a581",
    "stripe": "5178701329576616",
}


def run_alone(module):
    """What a module of ours prints, in a process with the simulator's settings."""
    found = subprocess.run(
        [sys.executable, "-m", f"tests.simulator.{module}"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    return json.loads(found.stdout)


def test_a_hot_call_takes_few_statements_and_calls():
    counted = run_alone("hot_calls")

    if "COUNT_CALLS" in os.environ:
        print(counted)
    assert counted.keys() == COSTS.keys()
    assert {n: c for n, (c, _) in counted.items() if c > COSTS[n][0] * TOLERANCE} == {}
    assert {n: s for n, (_, s) in counted.items()} == {n: s for n, (_, s) in COSTS.items()}


def test_what_an_undone_call_counted_and_changed_is_not_remembered():
    assert run_alone("undone_calls") == [[0, 1, 2, 3], [False, True, False, True]]


def test_rows_are_the_same_for_ever():
    """Byte for byte, as databases of users and their tests hold what they were."""
    assert run_alone("row_digests") == DIGESTS
