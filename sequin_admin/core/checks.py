"""At start-up: the database answers, is of this version, and the keys can decrypt its secrets."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.loader import MigrationLoader

from sequin_admin.core import keyring
from sequin_admin.core.availability import is_unreachable
from sequin_admin.core.private_files import protect_directory
from sequin_admin.core.statement_limits import for_worker, limited


@register(Tags.database)
def check_encryption_keys(databases: Sequence[str] | None = None, **kwargs: Any) -> list[Error]:
    """Run by `migrate`, `check --database` and, at start-up, `refuse_unusable_database()`."""
    if not databases:
        return []
    try:
        tables = set(connection.introspection.table_names())
        if not {column.model._meta.db_table for column in keyring.encrypted_columns()} <= tables:
            return []
        wrong = keyring.unreadable_columns()
    except DatabaseError:
        return []
    if not wrong:
        return []
    return [
        Error(
            f"No key in FIELD_ENCRYPTION_KEY opens {', '.join(wrong)}.",
            hint="Put the key the database was written with back into FIELD_ENCRYPTION_KEY.",
            id="sequin_admin.E001",
        )
    ]


@register(Tags.database)
def check_version(databases: Sequence[str] | None = None, **kwargs: Any) -> list[Error]:
    """An error when migrations were applied that this version does not have.

    Runs with `migrate` as well, so nothing is changed in such a database. Raises `OperationalError`
    for one that gives no answer.
    """
    if not databases:
        return []
    try:
        # The first that `migrate` sends, which waits for everything else as long as it takes.
        with limited(for_worker()):
            loader = MigrationLoader(connection, ignore_no_migrations=True)
    except DatabaseError as error:
        if is_unreachable(error):
            raise
        return []
    if loader.applied_migrations.keys() <= loader.disk_migrations.keys():
        return []
    return [
        Error(
            f"The database {connection.settings_dict['NAME']} was made by another version of "
            "Sequin Admin, whose tables this one does not know. Nothing was changed.",
            hint="Move it away and start again with a new one, or go back to that version.",
            id="sequin_admin.E002",
        )
    ]


@register(Tags.security, deploy=True)
def check_trusted_proxies(**kwargs: Any) -> list[Warning]:
    """A warning when a proxy is known to be in front but its `X-Forwarded-For` is not trusted."""
    proxies = settings.TRUSTED_PROXIES
    if not settings.SECURE_PROXY_SSL_HEADER or proxies.hops or proxies.networks:
        return []
    return [
        Warning(
            "BEHIND_TLS_PROXY is set and TRUSTED_PROXIES is not, so all callers count as one: "
            "a few wrong passwords of anybody keep everybody from logging in.",
            hint="Set TRUSTED_PROXIES to the number of proxies in front, or their networks.",
            id="sequin_admin.W001",
        )
    ]


def refuse_unusable_database(*, migrated: bool = True) -> None:
    """Raises `SystemExit` with the sentence instead of serving with the wrong keys or tables, or
    with files that every user of the machine can open. `migrated=False`: the caller migrates it."""
    protect_directory(settings.DATA_DIR)
    try:
        connection.ensure_connection()
        for error in (*check_version(["default"]), *check_encryption_keys(["default"])):
            raise SystemExit(f"{error.msg} {error.hint}")
        if migrated and (missing := count_missing_migrations()):
            raise SystemExit(
                f"The database lacks {missing} migrations of this version, so nothing was started. "
                "Run manage.py migrate, then start again."
            )
    except OperationalError as error:
        raise SystemExit(describe_unreachable(error)) from None
    finally:
        connection.close()


def count_missing_migrations() -> int:
    loader = MigrationLoader(connection)
    return len(loader.disk_migrations.keys() - loader.applied_migrations.keys())


def describe_unreachable(error: Exception) -> str:
    """A sentence about a database that can't be opened. What the driver says names no password."""
    reason = (str(error).strip().splitlines() or ["no reason given"])[0].rstrip(".")
    return (
        f"The database can't be used: {reason}. Start it, or correct DATABASE_URL, then try again."
    )
