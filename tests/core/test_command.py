"""Commands that the database ends in favour of others say so, and that one may try again."""

import subprocess
import sys

import pytest

from sequin_admin.core.env import ROOT
from tests.patience import PATIENCE_S
from tests.postgres_cluster import environment

LOCKED_FILE = """
import sqlite3
from django.db import connection
connection.ensure_connection()
connection.connection.execute("PRAGMA busy_timeout = 1")
other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
other.execute("BEGIN IMMEDIATE")
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE spice (id integer)")
"""
HELD_LOCK = """
import psycopg
from django.db import connection, transaction
url = "{url}"
other = psycopg.connect(url)
other.execute("SET deadlock_timeout = '1h'")
other.execute("SELECT pg_advisory_xact_lock(1)")
with transaction.atomic(), connection.cursor() as cursor:
    cursor.execute("SET LOCAL lock_timeout = '10ms'")
    cursor.execute("SELECT pg_advisory_xact_lock(1)")
"""
DEADLOCK = HELD_LOCK.replace("SET LOCAL lock_timeout", "SET LOCAL deadlock_timeout").replace(
    '    cursor.execute("SELECT pg_advisory_xact_lock(1)")',
    """\
    import threading
    cursor.execute("SELECT pg_advisory_xact_lock(2)")
    waiting = ("SELECT pg_advisory_xact_lock(2)",)
    threading.Thread(target=other.execute, args=waiting, daemon=True).start()
    watcher = psycopg.connect(url, autocommit=True)
    while not watcher.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
        pass
    cursor.execute("SELECT pg_advisory_xact_lock(1)")""",
)


def said_by(url, code):
    """What a command says that fails."""
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", code],
        cwd=ROOT,
        env=environment(url),
        text=True,
        capture_output=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 1, done.stderr
    return done.stderr


def assert_tried_again(said, reason):
    assert "Traceback" not in said
    assert f"The database ended what was begun: {reason}. That step was undone" in said
    assert "so try again." in said


def test_a_locked_file_is_said(tmp_path):
    assert_tried_again(
        said_by(f"sqlite:///{tmp_path / 'a.sqlite3'}", LOCKED_FILE), "database is locked"
    )


@pytest.mark.faults
@pytest.mark.parametrize(
    ("code", "reason"),
    [(DEADLOCK, "deadlock detected"), (HELD_LOCK, "canceling statement due to lock timeout")],
    ids=["deadlock", "lock"],
)
def test_a_deadlock_and_a_lock_that_did_not_come_are_said(cluster, code, reason):
    assert_tried_again(said_by(cluster.url(), code.replace("{url}", cluster.url())), reason)
