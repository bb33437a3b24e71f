"""The migrated database: made once for the processes of a run, which copy it."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import setup_databases, teardown_databases
from pytest_django.plugin import blocking_manager_key

# Its file or its name, in what a process of the run is told.
MIGRATED = "migrated"


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
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, request: pytest.FixtureRequest
) -> Iterator[None]:
    """Let Django find the database as it is after the migrations."""
    original = getattr(request.config, "workerinput", {}).get(MIGRATED)
    if original is None:
        yield
    elif connection.vendor == "postgresql":
        connection.settings_dict["TEST"]["TEMPLATE"] = original
        yield
    else:
        name = connection.creation._get_test_db_name()
        with (
            closing(sqlite3.connect(original)) as made,
            # It lasts as long as somebody is connected.
            closing(sqlite3.connect(name, uri=True, check_same_thread=False)) as copy,
        ):
            made.backup(copy)
            yield
