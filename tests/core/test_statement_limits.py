"""Statements end by themselves, and each kind of process has limits of its own."""

import threading

import pytest
from django.db import OperationalError, connection, transaction

from sequin_admin.core import statement_limits
from sequin_admin.core.statement_limits import StatementLimits, limited
from tests.patience import PATIENCE_S
from tests.tokens.test_processes import wait_until

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def sql(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def test_a_slow_statement_is_cancelled_and_its_connection_goes_on():
    server = sql("SELECT pg_backend_pid()")

    with limited(StatementLimits(0.2)), pytest.raises(OperationalError, match="cancel"):
        sql("SELECT pg_sleep(600)")

    assert sql("SELECT pg_backend_pid()") == server


def test_without_a_limit_of_its_own_a_statement_goes_on():
    assert statement_limits.current() == StatementLimits()
    assert sql("SELECT 1 FROM pg_sleep(0.5)") == 1


def test_a_wait_for_a_lock_has_its_limit_in_the_transaction_alone():
    with limited(StatementLimits(60, 0.1)), transaction.atomic():
        assert sql("SHOW lock_timeout") == "100ms"
    assert sql("SHOW lock_timeout") == "0"


def test_a_row_that_is_locked_is_not_waited_for(organization):
    locked, release = threading.Event(), threading.Event()
    rows = type(organization).objects.filter(pk=organization.pk)

    def lock():
        with transaction.atomic():
            rows.select_for_update().get()
            locked.set()
            release.wait(PATIENCE_S)
        connection.close()

    holder = threading.Thread(target=lock)
    holder.start()
    wait_until(locked.is_set)
    try:
        with (
            limited(StatementLimits(60, 0.1)),
            pytest.raises(OperationalError, match="lock timeout"),
            transaction.atomic(),
        ):
            rows.select_for_update().get()
    finally:
        release.set()
        holder.join()


def test_each_kind_of_process_has_its_own(settings):
    web, worker, chores = (
        statement_limits.for_web(),
        statement_limits.for_worker(),
        statement_limits.for_chores(),
    )

    assert web.statement_s < worker.statement_s < chores.statement_s
    assert web.lock_s < web.statement_s
    assert chores.short_s == worker.statement_s
