"""The connection to the database breaks, at each trip that a request makes in turn."""

import os
import socket
from contextlib import closing

import pytest
from django.db import connection

from sequin_admin.access import keys
from sequin_admin.access.models import Scope
from sequin_admin.core.postgresql.base import BoundedConnection
from sequin_admin.limits import quota
from tests.api.schema_values import WORDS, make_rows
from tests.api.test_access import BODIES, OPERATIONS

pytestmark = [
    *(pytest.mark.faults, pytest.mark.postgresql),
    pytest.mark.django_db(transaction=True),
]
# More than any of these requests makes.
MOST_TRIPS = 100


class Breaker:
    """Breaks the connection at trip number `at` of a request, and each that is made after it."""

    def __init__(self):
        self.at = self.trips = 0

    def count(self, connected):
        self.trips += 1
        if self.trips >= self.at > 0:
            with closing(socket.socket(fileno=os.dup(connected.fileno()))) as shared:
                shared.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def breaker(monkeypatch):
    breaker, wait = Breaker(), BoundedConnection.wait

    def wait_or_lose(self, *arguments):
        breaker.count(self)
        return wait(self, *arguments)

    monkeypatch.setattr(BoundedConnection, "wait", wait_or_lose)
    yield breaker
    breaker.at = 0
    connection.close()


def test_no_operation_is_at_fault_at_whichever_trip_it_is(make_client, organization, breaker):
    ids = {**make_rows(organization), **WORDS}
    api = make_client(organization, *Scope)
    api.client.raise_request_exception = False
    wrong, refused = [], 0

    # What deletes comes last.
    operations = sorted(OPERATIONS, key=lambda each: each[0] == "DELETE")
    for method, path in operations:
        body = next((body for end, body in BODIES.items() if path.endswith(end)), {})
        for at in range(1, MOST_TRIPS):
            connection.close()
            if path == operations[0][1]:
                # The same in all: the key is read, and a block of requests taken.
                keys._cache.clear()
                quota._budgets.clear()
            breaker.at, breaker.trips = at, 0
            answer = api.call(method, path.format(**ids), body)
            refused += answer.status_code == 503
            if answer.status_code == 500:
                wrong.append((method, path, at))
            if breaker.trips < at:
                break

    assert wrong == []
    assert refused > len(OPERATIONS)
