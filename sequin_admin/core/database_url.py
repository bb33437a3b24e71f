"""Django's settings of the database that `DATABASE_URL` names."""

import ssl
from os import getpid
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from sequin_admin.core.env import env

FULL = "verify-full"


def read_database(default: str) -> dict[str, Any]:
    """The settings of the database. Raises `ImproperlyConfigured`."""
    return complete(env.db("DATABASE_URL", default=default))


def database_settings(url: str) -> dict[str, Any]:
    """The settings of another database. Raises `ImproperlyConfigured`."""
    return complete(env.db_url_config(url))


def complete(database: dict[str, Any]) -> dict[str, Any]:
    """With what we set for each engine."""
    if database["ENGINE"] == "django.db.backends.sqlite3":
        database["ENGINE"] = "sequin_admin.core.sqlite"
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
        # A file, not memory: tests use threads and processes as the product does.
        # One file per run, so that test runs can overlap.
        database["TEST"] = {"NAME": Path(gettempdir()) / f"sequin-admin-{getpid()}.sqlite3"}
        return database
    # Waits end, and trips are fewer: see there.
    database["ENGINE"] = "sequin_admin.core.postgresql"
    database |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    options = database.setdefault("OPTIONS", {})
    if options.get("sslrootcert") == "system" and options.get("sslmode", FULL) == FULL:
        # The driver's own OpenSSL looks in a folder that no system has.
        found = ssl.get_default_verify_paths().cafile or "system"
        options |= {"sslmode": FULL, "sslrootcert": found}
    # To each host of several, in whole seconds, at least 2: psycopg takes no less.
    options.setdefault("connect_timeout", env.int("DATABASE_CONNECT_TIMEOUT_S", default=2))
    # After how many runs on a connection a hot query is prepared.
    options.setdefault("prepare_threshold", 1)
    return database
