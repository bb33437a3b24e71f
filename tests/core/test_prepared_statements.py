"""Statements that the server keeps, and connections whose life is known without asking."""

import shutil
import socket
import subprocess
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest
from django.db import DatabaseError, connection

from sequin_admin.core import prepared
from sequin_admin.core.env import ROOT
from sequin_admin.core.postgresql.base import DatabaseWrapper
from sequin_admin.tools.supervisor import free_port
from tests.postgres_cluster import wait_until

pytestmark = [
    pytest.mark.postgresql,
    # Its connections are closed by the tests.
    pytest.mark.usefixtures("transactional_db"),
]
PGBOUNCER = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
SQL = "SELECT %s::int"
KNOWN = "SELECT count(*) FROM pg_prepared_statements"


@pytest.fixture(autouse=True)
def _as_at_the_start(monkeypatch, settings):
    monkeypatch.setattr(prepared, "_unknown_statements", False)
    settings.PREPARED_STATEMENTS = "auto"


def connect(**changes):
    """A connection of the product's, apart from that of the test."""
    return closing(DatabaseWrapper({**connection.settings_dict, **changes}, alias="apart"))


def ask(connection, number):
    return prepared.fetch(connection, SQL, [number])[0][0]


@pytest.fixture
def pooler(tmp_path):
    """Where PgBouncer listens as in compose.yaml, but with two connections to the database."""
    if not Path(PGBOUNCER).exists():
        pytest.skip("PgBouncer is not installed.")
    port, of = free_port(), connection.get_connection_params()
    # It refuses to run as root; whoever owns the server's socket is there.
    user = Path(of["host"]).owner()
    users = tmp_path / "userlist.txt"
    users.write_text('"sequin" "of-compose"')
    settings = (ROOT / "deploy/pgbouncer.ini").read_text()
    server = f"host={of['host']} port={of.get('port') or 5432} dbname={of['dbname']}"
    for shipped, here in {
        "host=database port=5432 dbname=sequin": f"{server} user={of['user']}",
        "0.0.0.0": "127.0.0.1",
        "6432": str(port),
        "/etc/pgbouncer/userlist.txt": str(users),
        "default_pool_size = 20": "default_pool_size = 2",
    }.items():
        assert shipped in settings
        settings = settings.replace(shipped, here)
    tmp_path.joinpath("pgbouncer.ini").write_text(settings)
    for path in (tmp_path, *list(tmp_path.parents)[:2]):
        path.chmod(0o755)
    command = [PGBOUNCER, "-u", user, "pgbouncer.ini"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: is_listening(port))
            options = {**connection.settings_dict["OPTIONS"], "host": "127.0.0.1", "port": port}
            login = {"USER": "sequin", "PASSWORD": "of-compose", "NAME": "sequin"}
            yield {**login, "OPTIONS": options, "CONN_MAX_AGE": None}
        finally:
            process.terminate()


def is_listening(port):
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def test_a_hot_statement_is_kept_by_the_server():
    with connect() as own:
        assert [ask(own, number) for number in (1, 2, 3)] == [1, 2, 3]
        with own.cursor() as cursor:
            cursor.execute(KNOWN)
            assert cursor.fetchone() == (1,)


def test_none_is_kept_where_that_is_off(settings):
    settings.PREPARED_STATEMENTS = "off"

    with connect() as own:
        assert [ask(own, number) for number in (1, 2, 3)] == [1, 2, 3]
        with own.cursor() as cursor:
            cursor.execute(KNOWN)
            assert cursor.fetchone() == (0,)


def ask_on_another_connection(first, other):
    """Ask once more while the connection to the server, which has the statement, is taken."""
    assert [ask(first, number) for number in (1, 2)] == [1, 2]
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("SELECT 1")
    try:
        return ask(first, 3)
    finally:
        other.rollback()


def test_a_pooler_is_noticed_and_the_question_asked_again(pooler, caplog):
    with connect(**pooler) as first, connect(**pooler) as other:
        assert ask_on_another_connection(first, other) == 3

        assert prepared._unknown_statements
        assert "Prepared statements are off" in caplog.text
        assert ask(first, 4) == 4


def test_on_does_not_ask_again(pooler, settings):
    settings.PREPARED_STATEMENTS = "on"

    with (
        connect(**pooler) as first,
        connect(**pooler) as other,
        pytest.raises(DatabaseError) as refused,
    ):
        ask_on_another_connection(first, other)

    assert refused.value.__cause__.sqlstate in prepared.POOLED


def test_a_changed_table_is_read_again():
    with connect() as own, own.cursor() as cursor:
        cursor.execute("CREATE TABLE changing (n int)")
        try:
            cursor.execute("INSERT INTO changing VALUES (1)")
            sql = "SELECT n FROM changing WHERE n >= %s"
            assert [prepared.fetch(own, sql, [0])[0][0] for _ in range(3)] == [1, 1, 1]
            cursor.execute("ALTER TABLE changing ALTER n TYPE text")

            cursor.execute("ALTER TABLE changing ALTER n TYPE bigint USING n::bigint")
            assert prepared.fetch(own, sql, [0]) == [(1,)]
        finally:
            cursor.execute("DROP TABLE changing")
    assert not prepared._unknown_statements


def test_a_connection_that_the_server_ended_is_replaced_before_it_is_used():
    with connect(CONN_HEALTH_CHECKS=True, CONN_MAX_AGE=None) as own:
        own.ensure_connection()
        pid = own.connection.info.backend_pid
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [pid])
        # As at the end of every request.
        own.close_if_unusable_or_obsolete()

        assert ask(own, 5) == 5
        assert own.connection.info.backend_pid != pid


def test_a_silent_connection_is_not_asked(monkeypatch):
    with connect(CONN_HEALTH_CHECKS=True, CONN_MAX_AGE=None) as own:
        own.ensure_connection()
        own.close_if_unusable_or_obsolete()
        asked = []
        monkeypatch.setattr(DatabaseWrapper, "is_usable", lambda self: asked.append(1) or True)

        assert ask(own, 6) == 6
        assert asked == []
        assert own.connection.pgconn.status == psycopg.pq.ConnStatus.OK
