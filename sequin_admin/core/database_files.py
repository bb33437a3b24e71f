"""The whole database as a file, and back: by SQLite itself, and by PostgreSQL's own programs."""

import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from django.apps import apps
from django.db import connection, transaction

from sequin_admin.core.env import inherited

# Of libpq: https://www.postgresql.org/docs/current/libpq-envars.html
VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}
# Where Debian puts the programs of each version.
DEBIANS = "/usr/lib/postgresql/{}/bin"
SAME = ("--no-owner", "--no-privileges")


class DumpFailed(Exception):
    """The database was not written or not read. `str()` says why, without passwords."""


def tables() -> list[str]:
    """Our tables."""
    models = apps.get_models(include_auto_created=True)
    return sorted({model._meta.db_table for model in models if model._meta.managed})


def count_rows() -> dict[str, int]:
    """How many rows each of our tables has."""
    counts = {}
    with connection.cursor() as cursor:
        for table in tables():
            cursor.execute(f'SELECT COUNT(*) FROM "{table}"')  # noqa: S608 - names of our own
            counts[table] = cursor.fetchone()[0]
    return counts


def dump_database(path: Path) -> dict[str, int]:
    """Write a copy of one moment while others write. Returns its rows by table.

    Raises `DumpFailed`.
    """
    return dump_sqlite(path) if connection.vendor == "sqlite" else dump_postgresql(path)


def load_database(path: Path) -> None:
    """Fill the empty database, wholly or not at all. Raises `DumpFailed`."""
    if connection.vendor == "sqlite":
        load_sqlite(path)
    else:
        load_postgresql(path)


def dump_sqlite(path: Path) -> dict[str, int]:
    connection.ensure_connection()
    with closing(sqlite3.connect(path)) as copy:
        # All pages in one step: in several it would begin again whenever somebody writes.
        connection.connection.backup(copy)
        found = {}
        for table in tables():
            (found[table],) = copy.execute(f'SELECT COUNT(*) FROM "{table}"').fetchone()  # noqa: S608
        return found


def load_sqlite(path: Path) -> None:
    """Put the file in its place in one step."""
    with closing(sqlite3.connect(path)) as copy:
        (answer,) = copy.execute("PRAGMA quick_check").fetchone()
    if answer != "ok":
        raise DumpFailed("The database in the backup is damaged.")
    # Closed, it leaves no log behind that would be taken for one of the new file.
    connection.close()
    path.chmod(0o600)
    path.replace(str(connection.settings_dict["NAME"]))


def dump_postgresql(path: Path) -> dict[str, int]:
    """By pg_dump, of the very moment of which the rows are counted."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        rows = count_rows()
        run("pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={path}")
    return rows


def load_postgresql(path: Path) -> None:
    database = libpq_variables()["PGDATABASE"]
    run("pg_restore", "--single-transaction", "--exit-on-error", f"--dbname={database}", str(path))


def run(program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL on our database. Raises `DumpFailed`."""
    environment = {**inherited(), **libpq_variables()}
    done = subprocess.run(  # noqa: S603 - a program of PostgreSQL
        [find_program(program), *SAME, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise DumpFailed(f"{program} says: {' '.join(last)}")


def find_program(name: str) -> str:
    """The path of the program of the server's version. Raises `DumpFailed`."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        major = int(cursor.fetchone()[0]) // 10_000
    for folder in (*os.get_exec_path(), DEBIANS.format(major)):
        found = shutil.which(name, path=folder)
        if found and program_version(found) == major:
            return found
    raise DumpFailed(
        f"{name} of PostgreSQL {major}, the server's version, is not installed here. Install "
        f"PostgreSQL's client programs, such as Debian's postgresql-client-{major}."
    )


def program_version(path: str) -> int:
    told = subprocess.check_output([path, "--version"], text=True)  # noqa: S603
    found = re.search(r"\) (\d+)", told)
    return int(found[1]) if found else 0


def libpq_variables() -> dict[str, str]:
    """Where our database is, as variables, which no list of processes shows."""
    known = connection.get_connection_params()
    return {name: str(known[key]) for key, name in VARIABLES.items() if known.get(key)}
