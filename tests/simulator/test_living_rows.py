"""Rows that live: the oracle agrees with readers that know only what is documented."""

from collections.abc import Callable
from datetime import datetime

import pytest

from tests.simulator.customer import Customer
from tests.simulator.readers import Caller, GitHubReader, HubSpotReader, Reader, StripeReader
from tests.simulator.test_github import PAUL, App
from tests.simulator_server import Simulator

DAY_S = 86_400


def stripe(simulator: Simulator) -> Reader:
    key = simulator.account("stripe", "acct_1Arrakis0000001")["secret_key"]
    return StripeReader(Caller(simulator, "https://api.stripe.com", lambda: key))


def hubspot(simulator: Simulator) -> Reader:
    him = Customer(simulator, "hubspot")
    refresh = him.connect()["refresh_token"]

    def token() -> str:
        return str(him.refresh(refresh).json()["access_token"])

    return HubSpotReader(Caller(simulator, "https://api.hubapi.com", token))


def github(simulator: Simulator) -> Reader:
    app = App(simulator)
    app.install()

    def token() -> str:
        at = int(datetime.fromisoformat(simulator.state()["now"]).timestamp())
        signed = app.jwt(iat=at - 60, exp=at + 540)
        path = f"/app/installations/{PAUL}/access_tokens"
        return str(app.call("POST", path, signed).json()["token"])

    return GitHubReader(Caller(simulator, "https://api.github.com", token))


READERS: dict[str, tuple[Callable[[Simulator], Reader], str, str]] = {
    "stripe": (stripe, "acct_1Arrakis0000001", "customers"),
    "hubspot": (hubspot, "21902692", "contacts"),
    "github": (github, "paul-atreides", "sietch/issues"),
}


def read_for(
    simulator: Simulator, provider: str, *, rows: int, changes: int, polls: int
) -> tuple[Reader, dict[str, object]]:
    """A reader that polls for a simulated day, and what the oracle knows then."""
    make, account, collection = READERS[provider]
    simulator.stop_clock()
    simulator.set_count(provider, account, rows, collection)
    reader = make(simulator)
    simulator.set_heart(provider, account, changes / 24)
    reader.backfill()
    for _ in range(polls):
        simulator.clock(DAY_S / polls)
        reader.poll()
    simulator.set_heart(provider, account, 0)
    simulator.clock(60)
    reader.poll()
    reader.finish()
    known = simulator.rows(provider, account, collection)
    return reader, known


@pytest.mark.parametrize("provider", READERS)
def test_a_reader_knows_what_the_oracle_knows_after_some_changes(simulator, provider):
    reader, known = read_for(simulator, provider, rows=60, changes=150, polls=3)

    assert reader.rows == {one["id"]: one["row"] for one in known["rows"]}
    assert known["count"] == len(reader.rows)
    assert len(known["tombstones"]) > 15


@pytest.mark.faults
@pytest.mark.parametrize("provider", READERS)
def test_a_reader_keeps_up_with_a_day_of_2000_changes(simulator, provider):
    reader, known = read_for(simulator, provider, rows=2_400, changes=2_000, polls=48)

    assert reader.rows == {one["id"]: one["row"] for one in known["rows"]}
    assert known["count"] == len(reader.rows)
    assert len(known["tombstones"]) > 250
