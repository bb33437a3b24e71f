"""The rows of our database and of the simulator's, from which each run of a walk begins."""

import sqlite3
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connection, transaction

from sequin_admin.audit import triggers
from tests.simulator_server import Simulator


class Snapshot:
    """What both databases held when it was made."""

    def __init__(self, simulator: Simulator) -> None:
        self.made_at = time.monotonic()
        file = Path(simulator.folder.name) / "simulator.sqlite3"
        self.simulator = sqlite3.connect(file, isolation_level=None, timeout=20)
        found = self.simulator.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = [name for (name,) in found if not name.startswith("sqlite_")]
        self.theirs = {
            table: names(row[1] for row in self.simulator.execute(f'PRAGMA table_info("{table}")'))
            for table in tables
        }
        self.ours = {
            model._meta.db_table: names(
                field.column for field in model._meta.concrete_fields if not field.generated
            )
            for model in apps.get_models(include_auto_created=True)
            if model._meta.managed and not model._meta.proxy
        }
        # The log is put back as well, which they would refuse.
        triggers.remove(connection)
        with connection.cursor() as cursor:
            self.filled = keep(cursor, self.ours)
        self.filled |= keep(self.simulator.cursor(), self.theirs)

    def restore(self) -> None:
        # Our constraints are checked as the transaction ends.
        with transaction.atomic(), connection.cursor() as cursor:
            put_back(cursor, self.ours, self.filled)
        self.simulator.execute("BEGIN IMMEDIATE")
        put_back(self.simulator.cursor(), self.theirs, self.filled)
        self.simulator.execute("COMMIT")

    def close(self) -> None:
        self.simulator.close()
        triggers.install(connection)


def names(columns: Iterable[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def keep(cursor: Any, tables: Mapping[str, str]) -> set[str]:
    """Copy the rows of the tables. Returns which of them have some."""
    filled = set()
    for table, columns in tables.items():
        cursor.execute(f'DROP TABLE IF EXISTS "kept_{table}"')
        cursor.execute(f'CREATE TEMPORARY TABLE "kept_{table}" AS SELECT {columns} FROM "{table}"')
        cursor.execute(f'SELECT 1 FROM "kept_{table}" LIMIT 1')
        filled |= {table} if cursor.fetchone() else set()
    return filled


def put_back(cursor: Any, tables: Mapping[str, str], filled: set[str]) -> None:
    for table in tables:
        cursor.execute(f'DELETE FROM "{table}"')
    for table, columns in tables.items():
        if table in filled:
            cursor.execute(
                f'INSERT INTO "{table}" ({columns}) SELECT {columns} FROM "kept_{table}"'
            )
