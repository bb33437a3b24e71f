"""A chaos run: real processes, kill -9, and a token endpoint that fails at random."""

import json
import shutil
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from sequin_admin.core.env import env
from sequin_admin.tools.chaos.fleet import ACCOUNT_PATTERNS
from sequin_admin.tools.chaos.verdict import Count, missing_states
from tests.tools.chaos import run_chaos


@pytest.fixture
def database(request, tmp_path, migrated_original):
    """A database with our tables and nothing in them, beside the test's: to migrate takes long."""
    if connection.vendor == "sqlite":
        file = shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "chaos.sqlite3")
        yield ["--database", f"sqlite:///{file}"]
        return
    name = f"chaos_{connection.settings_dict['NAME']}"
    run_on_server(f'CREATE DATABASE "{name}" TEMPLATE "{migrated_original or "template1"}"')
    server = urlsplit(env.str("DATABASE_URL"))
    yield ["--database", urlunsplit(server._replace(path=f"/{name}"))]
    run_on_server(f'DROP DATABASE "{name}" WITH (FORCE)')


def run_on_server(sql):
    with connection._nodb_cursor() as cursor:
        cursor.execute(sql)


SMALL = ("--credentials", "120", "--workers", "2", "--readers", "20", "--kill-every", "1")
LARGE = ("--renewals", "1000", "--reads", "10000")


@pytest.mark.parametrize(
    "size",
    [pytest.param(SMALL, marks=pytest.mark.faults), pytest.param(LARGE, marks=pytest.mark.drills)],
    ids=["small", "large"],
)
@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_that_could_be_kept(database, size):
    done = run_chaos(*size, *database)

    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(done.stdout)["kinds"]
    assert {row["kind"] for row in rows} == set(ACCOUNT_PATTERNS)
    assert sum(row["renewals"] for row in rows) >= 200
    assert sum(row["reads"] for row in rows) >= 1000
    assert missing_states(Count(**row) for row in rows) == []
    for row in rows:
        assert {row[name] for name in ("lost", "wrong_verdicts")} == {0}, row
