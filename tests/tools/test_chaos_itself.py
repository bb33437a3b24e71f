"""Chaos finds faults, ends what it started, and refuses what would prove nothing."""

import contextlib
import json
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection

from sequin_admin.core.env import inherited
from sequin_admin.tools.chaos.verdict import Count, cut_off_attempts, missing_states
from tests.patience import PATIENCE_S
from tests.postgres_cluster import wait_until
from tests.simulator_server import ROOT
from tests.tools.chaos import COMMAND, run_chaos
from tests.tools.test_chaos import database

__all__ = ["database"]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("no_journal", marks=pytest.mark.faults),
        # `schedules/test_mutants.py` finds it each time.
        pytest.param("no_lease", marks=pytest.mark.drills),
    ],
)
def test_a_fault_of_the_product_is_found(fault, database):
    small = ("--kinds", "airtable_oauth2", "--credentials", "40", "--readers", "20")
    small += ("--workers", "2", "--renewals", "60", "--reads", "200")

    environment = {"DJANGO_SETTINGS_MODULE": "tests.tools.faulty.settings", "FAULT": fault}
    done = run_chaos(*small, *database, **environment)

    assert done.returncode == 1, done.stdout + done.stderr
    [row] = json.loads(done.stdout)["kinds"]
    # A reader is told of it only when the old access token has ended.
    assert row["lost"] + row["wrong_verdicts"] > 0, row


@pytest.mark.faults
def test_sigterm_ends_all_that_was_started(tmp_path):
    chaos = subprocess.Popen(
        [
            *COMMAND,
            "--kinds",
            "linear_oauth2",
            "--credentials",
            "2",
            "--readers",
            "2",
            "--workers",
            "1",
        ],
        cwd=ROOT,
        env={**inherited(), "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    # Everything runs once it counts what was killed.
    assert any("killed" in line for line in chaos.stderr)
    assert len(processes_of(tmp_path)) > 2

    chaos.send_signal(signal.SIGTERM)

    chaos.communicate(timeout=PATIENCE_S)
    # One that was killed is still to be seen for a moment.
    wait_until(lambda: not processes_of(tmp_path))
    assert [*tmp_path.iterdir()] == []


def processes_of(folder):
    """The processes that inherited this folder for temporary files."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        # Of others, and gone in between.
        with contextlib.suppress(OSError):
            variables = (process / "environ").read_bytes().split(b"\0")
            found += [process.name] if f"TMPDIR={folder}".encode() in variables else []
    return found


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("organization")
def test_a_database_in_use_is_left_alone(tmp_path):
    file = tmp_path / "used.sqlite3"
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(file)])

    refused = run_chaos("--database", f"sqlite:///{file}", "--kinds", "linear_oauth2")

    assert refused.returncode == 1
    assert "Chaos takes an empty one" in refused.stderr


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


def test_no_kill_explains_two_attempts_at_once():
    began = [datetime(2026, 11, 29, 12, tzinfo=UTC) + timedelta(seconds=s) for s in (0, 3, 60)]
    journal = [{"at": at.isoformat()} for at in began]

    assert cut_off_attempts(journal) == began[1:], "The first had its lease when the next began."
    assert cut_off_attempts([]) == []


def test_a_run_that_never_came_to_a_state_proves_nothing_about_it():
    raced = Count("linear_oauth2", raced=1, taken_over=1)

    assert missing_states([raced, Count("airtable_oauth2")]) == ["killed_after_commit"]
    assert missing_states([raced, Count("airtable_oauth2", killed_after_commit=1)]) == []
