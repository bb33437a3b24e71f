"""A short chaos run: real processes, kill -9, and a token endpoint that fails at random."""

import json
import subprocess
import sys
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from sequin_admin.core.env import env
from sequin_admin.tools.chaos.fleet import ACCOUNT_PATTERNS
from sequin_admin.tools.chaos.verdict import Count, missing_states
from tests.simulator_server import ROOT


def run_chaos(*arguments):
    command = [sys.executable, "manage.py", "chaos", "--json", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def database():
    """An empty database beside the test's, on PostgreSQL. SQLite uses a file of its own."""
    if connection.vendor == "sqlite":
        yield []
        return
    name = f"chaos_{connection.settings_dict['NAME']}"
    run_on_server(f'CREATE DATABASE "{name}"')
    server = urlsplit(env.str("DATABASE_URL"))
    yield ["--database", urlunsplit(server._replace(path=f"/{name}"))]
    run_on_server(f'DROP DATABASE "{name}" WITH (FORCE)')


def run_on_server(sql):
    with connection._nodb_cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_that_could_be_kept(database):
    done = run_chaos(
        *("--credentials", "120", "--workers", "2", "--readers", "20", "--kill-every", "1"),
        *database,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(done.stdout)["kinds"]
    assert {row["kind"] for row in rows} == set(ACCOUNT_PATTERNS)
    assert sum(row["renewals"] for row in rows) >= 200
    assert sum(row["reads"] for row in rows) >= 1000
    assert missing_states(Count(**row) for row in rows) == []
    for row in rows:
        assert {row[name] for name in ("lost", "wrong_verdicts")} == {0}, row


@pytest.mark.faults
def test_a_database_in_use_is_left_alone(tmp_path):
    file = f"sqlite:///{tmp_path / 'used.sqlite3'}"
    small = ("--credentials", "1", "--workers", "0", "--readers", "1", "--seconds", "0")
    small += ("--renewals", "0")
    assert run_chaos("--database", file, "--kinds", "linear_oauth2", *small).returncode == 0

    again = run_chaos("--database", file, "--kinds", "linear_oauth2", *small)

    assert again.returncode == 1
    assert "Chaos takes an empty one" in again.stderr


def test_a_kind_that_does_not_rotate_is_refused():
    done = run_chaos("--kinds", "stripe_key")

    assert "Choose among linear_oauth2" in done.stderr


@pytest.mark.parametrize("loss", ["lost", "reuse_detections", "expired_reads", "wrong_verdicts"])
def test_any_loss_is_bad(loss):
    assert Count("linear_oauth2", **{loss: 1}).bad
    assert not Count("linear_oauth2").bad


def test_what_the_providers_rules_take_is_not_held_against_us():
    """Airtable ends the grant when a refresh token is reused."""
    assert not Count("airtable_oauth2", inevitable=3, reuse_detections=3, expired_reads=1).bad
    assert Count("airtable_oauth2", lost=1).bad


def test_a_run_that_never_came_to_a_state_proves_nothing_about_it():
    raced = Count("linear_oauth2", raced=1, taken_over=1)

    assert missing_states([raced, Count("airtable_oauth2")]) == ["killed_after_commit"]
    assert missing_states([raced, Count("airtable_oauth2", killed_after_commit=1)]) == []
