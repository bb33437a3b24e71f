"""What a hot answer costs: trips to the database and calls of Python functions. Speed that leaks
away shows here. Whoever makes an answer cheaper lowers its number."""

import os
import sys

import pytest
from django.db import connection

from sequin_admin.access.models import Scope
from sequin_admin.tools.benchmarks import imports
from sequin_admin.tools.supervisor import free_port
from tests.factories import make_credential, make_oauth_app

# Calls of Python functions of one answer through Django's test client, by database.
CALLS = {
    "postgresql": {
        "one": 537,
        "a page of 100": 1960,
        "unchanged": 505,
        "a page of 50 of a provider": 907,
        "a token": 597,
        "an import": 8330,
        "an import of 100": 54200,
    },
    "sqlite": {
        "one": 472,
        "a page of 100": 3990,
        "unchanged": 3988,
        "a page of 50 of a provider": 1672,
        "a token": 526,
        "an import": 7430,
        "an import of 100": 53100,
    },
}
TOLERANCE = 1.1
# Of an import of one, with the begin and end of its two transactions: each right and each account
# is asked before the provider is and again when the credential is stored.
IMPORT_TRIPS = 24


@pytest.fixture
def asks(make_client, organization):
    """The hot answers by name: each a function that asks for it."""
    client = make_client(organization, *Scope)
    app = make_oauth_app(organization, "hubspot")
    for number in range(1, 51):
        values = {"hub_id": number, "hub_domain": f"{number}.example.com"}
        make_credential(organization, "hubspot_oauth2", oauth_app=app, properties=values)
        make_credential(organization, "stripe_key", identity=str(number))
    key = make_credential(organization, "sendgrid_key")
    one = f"/v1/credentials/{key.pk}"
    etag = client.get("/v1/credentials")["ETag"]
    known = {"If-None-Match": etag}
    return {
        "one": lambda: client.get(one),
        "a page of 100": lambda: client.get("/v1/credentials", limit=100),
        "unchanged": lambda: client.call("GET", "/v1/credentials", headers=known),
        "a page of 50 of a provider": lambda: client.get("/v1/credentials", provider="stripe"),
        "a token": lambda: client.get(f"{one}/token"),
    }


def count_calls(ask):
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        ask()
    finally:
        sys.setprofile(None)
    return calls


def test_a_hot_answer_takes_one_trip_and_few_calls(asks, django_assert_num_queries):
    counted = {}
    for name, ask in asks.items():
        # The first time, queries are compiled and the reading of a token is written down.
        statuses = {ask().status_code for _ in range(3)}
        with django_assert_num_queries(1):
            ask()
        assert statuses in ({200}, {304}), name
        counted[name] = count_calls(ask)

    assert too_many(counted) == {}


def too_many(counted):
    if "COUNT_CALLS" in os.environ:
        print(counted)
    most = {name: calls * TOLERANCE for name, calls in CALLS[connection.vendor].items()}
    return {name: n for name, n in counted.items() if n > most[name]}


@pytest.mark.django_db(transaction=True)
def test_an_import_takes_few_trips_and_calls(
    make_client, organization, settings, django_assert_num_queries
):
    """Of a new account whose provider does not answer: all of it is stored nevertheless."""
    settings.PROVIDER_BASE_URLS = {"api.sendgrid.com": f"http://127.0.0.1:{free_port()}"}
    client, entries = make_client(organization, *Scope), imports.make_entries()

    def ask():
        assert client.post("/v1/credentials", next(entries)).status_code == 201

    for _ in range(3):
        ask()
    with django_assert_num_queries(IMPORT_TRIPS):
        ask()
    # A new minute's block of the key's requests may fall on one of them.
    counted = min(count_calls(ask) for _ in range(2))

    assert too_many({"an import": counted}) == {}


def test_an_import_of_many_takes_few_calls(make_client, organization):
    """Most of them are made for each credential."""
    client, entries = make_client(organization, *Scope), imports.make_entries()

    def ask():
        sent = {"credentials": [next(entries) for _ in range(100)]}
        assert client.post("/v1/credentials/bulk", sent).status_code == 200

    ask()

    assert too_many({"an import of 100": count_calls(ask)}) == {}
