"""The migrated database: made once for the processes of a run, which copy it."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import setup_databases, teardown_databases
from pytest_django.plugin import blocking_manager_key

from sequin_admin.core.env import ROOT

# Its file or its name, in what a process of the run is told.
MIGRATED = "migrated"
# Its file, in the environment of a run that a test starts.
GIVEN = "MIGRATED_DATABASE"


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Original(config))


class Original:
    """Of the process that hands out the tests."""

    def __init__(self, config: pytest.Config) -> None:
        self.blocker = config.stash[blocking_manager_key]
        self.folder = tempfile.TemporaryDirectory()
        self.place = str(Path(self.folder.name, "migrated.sqlite3"))
        # As PostgreSQL knows it: its own, since a test may run tests itself.
        if connection.vendor == "postgresql":
            self.place = f"migrated_{os.getpid()}"
            connection.settings_dict["TEST"]["NAME"] = self.place
        self.made: list[Any] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput[MIGRATED] = self.place

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """The others collect meanwhile, and are given tests once it is there."""
        with self.blocker.unblock():
            self.made = setup_databases(verbosity=0, interactive=False)
            if connection.vendor == "sqlite":
                with closing(sqlite3.connect(self.place)) as copy:
                    connection.connection.backup(copy)
            else:
                # PostgreSQL copies what nobody is connected to.
                connection.close()

    def pytest_unconfigure(self) -> None:
        with self.blocker.unblock():
            teardown_databases(self.made, verbosity=0)
        self.folder.cleanup()


@pytest.fixture(scope="session")
def migrated_original(request: pytest.FixtureRequest) -> str | None:
    """The file or the name of the migrated database; none in a run of one process."""
    told: str | None = getattr(request.config, "workerinput", {}).get(MIGRATED)
    return told or (os.environ.get(GIVEN) if connection.vendor == "sqlite" else None)


@pytest.fixture(scope="session")
def migrated_file(migrated_original: str | None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database after the migrations, for tests to copy: they take seconds."""
    if migrated_original is not None and connection.vendor == "sqlite":
        return Path(migrated_original)
    file = tmp_path_factory.mktemp("migrated") / "db.sqlite3"
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{file}"}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True
    )
    return file


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool, migrated_original: str | None) -> bool:
    """Without it Django deletes the file that it finds, which is the copy."""
    return django_db_keepdb or (migrated_original is not None and connection.vendor == "sqlite")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, migrated_original: str | None
) -> Iterator[None]:
    """Let Django find the database as it is after the migrations."""
    if migrated_original is None:
        yield
    elif connection.vendor == "postgresql":
        connection.settings_dict["TEST"]["TEMPLATE"] = migrated_original
        yield
    else:
        name = connection.creation._get_test_db_name()
        shutil.copy(migrated_original, name)
        yield
        for suffix in ("", "-wal", "-shm"):
            Path(f"{name}{suffix}").unlink(missing_ok=True)
