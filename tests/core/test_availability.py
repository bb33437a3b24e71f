"""What a process knows of a database that does not answer."""

import threading

import psycopg
import pytest
from django.db import connection

from sequin_admin.core import availability
from sequin_admin.core.availability import Availability
from sequin_admin.core.postgresql import base
from sequin_admin.core.postgresql.base import BoundedConnection


@pytest.fixture
def database():
    return Availability()


def in_thread(call):
    """What the call raises in another thread, or None."""
    raised = []

    def run():
        try:
            call()
        except psycopg.OperationalError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised[0] if raised else None


def test_a_silent_database_is_tried_by_one_thread_at_a_time(database, monkeypatch):
    monkeypatch.setattr(availability, "RETRY_S", 0)
    database.refuse_if_silent()
    database.record_failure("no answer", silent=True)

    database.refuse_if_silent()
    database.refuse_if_silent()

    assert "has not answered" in str(in_thread(database.refuse_if_silent))
    database.record_answer(connected_at=0)
    assert in_thread(database.refuse_if_silent) is None


def test_between_two_tries_nobody_waits_for_it(database):
    database.record_failure("no answer", silent=True)

    with pytest.raises(psycopg.OperationalError, match="has not answered"):
        database.refuse_if_silent()


def test_a_database_that_refuses_connections_may_be_asked_by_all(database):
    """It answers at once: nobody waits."""
    database.record_failure("refused", silent=False)

    database.refuse_if_silent()

    assert in_thread(database.refuse_if_silent) is None


def test_the_log_says_once_that_it_is_away_and_once_that_it_is_back(database, caplog):
    caplog.set_level("INFO")
    for _ in range(3):
        database.record_failure("refused", silent=False)
    database.record_answer(connected_at=0)
    assert database.is_away

    database.record_answer(connected_at=float("inf"))

    assert [record.msg["event"] for record in caplog.records] == [
        "the database is away",
        "the database is back",
    ]
    assert not database.is_away


@pytest.mark.postgresql
@pytest.mark.django_db
def test_only_what_the_server_was_asked_says_that_it_is_back(database, monkeypatch):
    """Psycopg sets autocommit by itself, also on a connection that a paused PgBouncer accepted."""
    monkeypatch.setattr(base, "database", database)
    connection.ensure_connection()
    opened = BoundedConnection.connect(**connection.get_connection_params())
    opened.connected_at = float("inf")
    database.record_failure("refused", silent=False)

    opened.set_autocommit(True)
    assert database.is_away

    opened.execute("SELECT 1")
    assert not database.is_away
    opened.close()
