"""Airbyte's CDK runs the example's manifest with our components, in a process of its own venv."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from sequin_admin.limits import usage
from tests.client.test_arrivals import most_in_a_window
from tests.client.test_client import token_calls
from tests.recipes.conftest import ACCOUNT, EXAMPLES, RATE, arrivals

pytestmark = pytest.mark.faults

MANIFEST = EXAMPLES / "airbyte/manifest.yaml"
SEARCH = "/search"
# Windows of 30 days, and two pages in each, of the 3,000 rows of 400 days.
ROWS, READ_DAYS = 3_000, 65


@pytest.fixture
def behind(simulated, hubspot):
    """An account whose clock is behind, as the connector reads up to now by its own clock."""
    simulated.clock(-900)
    simulated.set_count("hubspot", ACCOUNT, ROWS, "contacts")
    simulated.clock(60)  # the search index is behind


@pytest.fixture
def start_date():
    return (datetime.now(UTC) - timedelta(days=READ_DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def connector(tmp_path, airbyte, live_server, api_key, hubspot, behind, in_redis, start_date):
    """Run a command of the connector; returns its exit code and its messages."""
    config, state = tmp_path / "config.json", tmp_path / "state.json"
    catalog = tmp_path / "catalog.json"
    config.write_text(
        json.dumps(
            {
                "sequin_admin_url": live_server.url,
                "sequin_admin_api_key": api_key,
                "credential_id": str(hubspot.pk),
                "start_date": start_date,
            }
        )
    )

    def run(command, *more):
        ended = airbyte(
            "source-declarative-manifest",
            *(command, "--config", config, "--manifest-path", MANIFEST, *more),
        )
        messages = [json.loads(line) for line in ended.stdout.splitlines()]
        assert api_key not in ended.stdout + ended.stderr
        return ended.returncode, messages

    def read(before=None):
        stream = {"name": "contacts", "json_schema": {}, "supported_sync_modes": ["incremental"]}
        chosen = {"sync_mode": "incremental", "destination_sync_mode": "append_dedup"}
        catalog.write_text(json.dumps({"streams": [{"stream": stream, **chosen}]}))
        state.write_text(json.dumps(before or []))
        return run("read", "--catalog", catalog, "--state", state)

    run.read = read
    return run


def rows_of(messages):
    rows = [message["record"]["data"] for message in of_type("RECORD", messages)]
    return {row["id"]: row["updatedAt"] for row in rows}


def of_type(kind, messages):
    return [message for message in messages if message["type"] == kind]


def state_of(messages):
    """The last state of each stream, as Airbyte keeps it."""
    return [of_type("STATE", messages)[-1]["state"]]


def errors_in(messages):
    return [m["trace"]["error"] for m in of_type("TRACE", messages) if "error" in m["trace"]]


def statuses(simulated):
    calls = [call for call in simulated.calls("hubspot") if call["endpoint"].endswith(SEARCH)]
    return Counter(call["status"] for call in calls)


def test_all_rows_come_in_pages_and_then_only_what_has_changed(
    connector, simulated, wanted, start_date
):
    code, messages = connector.read()

    assert code == 0
    assert rows_of(messages) == wanted(start_date)
    arrived = arrivals(simulated, SEARCH)
    assert statuses(simulated).keys() == {200}
    assert len(arrived) >= 5
    assert most_in_a_window(arrived, RATE.interval) <= RATE.allowed_requests

    known = rows_of(messages)
    simulated.set_heart("hubspot", ACCOUNT, 120)
    simulated.clock(600)
    simulated.set_heart("hubspot", ACCOUNT, 0)
    simulated.clock(60)
    simulated.act("hubspot", ACCOUNT, "expire")
    before = token_calls(simulated)

    code, messages = connector.read(state_of(messages))

    assert code == 0
    changed = rows_of(messages)
    now = wanted(start_date)
    assert 0 < len(changed) < len(now) / 2
    assert {pk: at for pk, at in (known | changed).items() if pk in now} == now
    assert token_calls(simulated) == before + 1


def test_what_is_throttled_is_reported_and_made_again(
    connector, simulated, hubspot, wanted, start_date
):
    simulated.act("hubspot", ACCOUNT, "outage", times=1)
    simulated.act("hubspot", ACCOUNT, "throttle", times=2)

    code, messages = connector.read()

    assert code == 0
    assert rows_of(messages) == wanted(start_date)
    arrived = arrivals(simulated, SEARCH)
    assert statuses(simulated) == {200: len(arrived) - 3, 429: 2, 503: 1}
    assert most_in_a_window(arrived, RATE.interval) <= RATE.allowed_requests
    assert usage.gauge_of(hubspot).throttled == 2


def test_when_the_access_is_gone_the_sync_says_who_must_act(connector, simulated):
    simulated.act("hubspot", ACCOUNT, "revoke")

    code, messages = connector.read()

    assert code == 1
    error = errors_in(messages)[0]
    assert error["failure_type"] == "config_error"
    assert "customer must connect" in error["message"]
    assert of_type("RECORD", messages) == []


def test_our_components_do_in_the_cdk_what_they_say(airbyte):
    ended = airbyte("python", "-m", "tests.recipes.airbyte_components")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(ended.stdout.splitlines()) == 11
