"""`manage.py move_to` brings everything of a SQLite into an empty PostgreSQL."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import psycopg
import pytest

from sequin_admin.core.env import ROOT
from tests.postgres_cluster import environment, run_python

pytestmark = pytest.mark.faults

FILL = """
import django; django.setup()
from django.db import transaction
from sequin_admin.access.models import Membership, Organization, User
from sequin_admin.access.policy import Role
from sequin_admin.audit import sealing
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock
from sequin_admin.tokens.models import Token
from tests.factories import make_credential, make_oauth_app, make_synced
organization = Organization.objects.create(name="Arrakis ☀", slug="arrakis")
user = User.objects.create_user("paul@arrakis.test", password="spice")
Membership.objects.create(organization=organization, user=user, role=Role.OWNER)
app = make_oauth_app(organization, "hubspot")
first = make_credential(
    organization, "hubspot_oauth2", oauth_app=app, metadata={"customer": "c-1", "n": [1.5, None]}
)
Token.objects.create(
    credential=first, secrets={"access_token": "at-1"}, expires_at=clock.now()
)
make_synced(first)
with transaction.atomic():
    for number in range(1100):
        make_credential(organization, "stripe_key", identity=f"acct_{number}", marker=f"m{number}")
for number in range(30):
    record_change(first, "credential.changed", None, number=number)
sealing.seal_committed()
"""
SHOW = """
import django; django.setup()
from sequin_admin.credentials.models import Credential
from sequin_admin.tokens.models import Token
row = Credential.objects.get(kind="hubspot_oauth2")
print(sorted(row.metadata.items()), row.updated_at.isoformat())
print(Token.objects.get().secrets["access_token"])
print(len({str(dict(each.secrets)) for each in Credential.objects.filter(kind="stripe_key")}))
"""
BEAT = """
import django; django.setup()
from sequin_admin.health.models import WorkerProcess
WorkerProcess.objects.create(hostname="arrakis", pid=1, threads=8)
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory, migrated_file):
    """A SQLite with more rows of a table than one batch."""
    file = shutil.copy(migrated_file, tmp_path_factory.mktemp("filled"))
    run_python(f"sqlite:///{file}", "-c", FILL)
    return file


@pytest.fixture
def source(tmp_path, filled):
    """The environment of a copy of it."""
    return environment(f"sqlite:///{shutil.copy(filled, tmp_path / 'source.sqlite3')}")


@pytest.fixture
def target(cluster):
    cluster.sql("CREATE DATABASE moved")
    yield cluster.url("moved")
    cluster.sql("DROP DATABASE moved WITH (FORCE)")


def start(source, target, *options):
    return subprocess.Popen(
        [sys.executable, "-u", "manage.py", "move_to", target, *options],
        cwd=ROOT,
        env=source,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def move(source, target, *options):
    with start(source, target, *options) as process:
        return process.communicate(timeout=300)[0], process.returncode


def kill_in_the_middle(source, target):
    process, said = start(source, target), []
    for line in process.stdout:
        said.append(line)
        if "credentials_credential: 1,000 of" in line:
            break
    else:
        pytest.fail("".join(said))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_all_is_moved_also_when_it_is_killed_in_the_middle(source, target):
    kill_in_the_middle(source, target)

    said, code = move(source, target)

    assert code == 0, said
    assert "the seals of the audit log hold" in said
    assert "credentials_credential: 1,000 of" not in said
    assert show(source["DATABASE_URL"]) == show(target)
    with psycopg.connect(target) as moved:
        # Sequences go on after the last key, and the log is guarded again.
        moved.execute("INSERT INTO auth_group (name) VALUES ('new')")
        with pytest.raises(psycopg.errors.RestrictViolation):
            moved.execute("DELETE FROM audit_event")
    again, code = move(source, target)
    assert (code, "has people or organizations in it" in again) == (1, True), again


def show(url):
    return run_python(url, "-c", SHOW)


def test_what_has_changed_meanwhile_is_not_mixed(source, target, tmp_path):
    kill_in_the_middle(source, target)
    with closing(sqlite3.connect(tmp_path / "source.sqlite3")) as file, file:
        file.execute("UPDATE tokens_token SET version = version + 1")

    said, code = move(source, target)
    assert (code, "has changed since" in said) == (1, True), said

    said, code = move(source, target, "--anew")
    assert code == 0, said
    assert show(source["DATABASE_URL"]) == show(target)


def test_another_engine_and_a_running_worker_are_refused(source, tmp_path):
    said, code = move(source, f"sqlite:///{tmp_path / 'other.sqlite3'}")
    assert (code, "empty PostgreSQL" in said) == (1, True), said

    run_python(source["DATABASE_URL"], "-c", BEAT)
    said, code = move(source, "postgresql://nobody@127.0.0.1:1/none")
    assert (code, "A worker runs" in said) == (1, True), said
