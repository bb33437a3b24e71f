"""At start-up: the database answers, is of this version, and the keys can decrypt its secrets."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.core.checks import Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.loader import MigrationLoader

from sequin_admin.core import keyring
from sequin_admin.core.availability import is_contended, is_unreachable
from sequin_admin.core.private_files import protect_directory
from sequin_admin.core.statement_limits import for_worker, limited

Answer = TypeVar("Answer")
log = structlog.get_logger(__name__)


def ask_database(question: Callable[[], Answer]) -> Answer | None:
    """The database's answer, or None when it has not what is asked for, such as tables.

    One of the checks, in whatever order Django runs them, is the first that `migrate` sends, which
    waits for everything after them as long as it takes. Raises `OperationalError` for a database
    that gives no answer.
    """
    try:
        with limited(for_worker()):
            return question()
    except DatabaseError as error:
        if is_unreachable(error):
            raise
        return None


@register(Tags.database)
def check_encryption_keys(databases: Sequence[str] | None = None, **kwargs: Any) -> list[Error]:
    """Run by `migrate`, `check --database` and, at start-up, `refuse_unusable_database()`.

    Raises `OperationalError` for a database that gives no answer.
    """
    wrong = ask_database(list_wrong_columns) if databases else []
    if not wrong:
        return []
    return [
        Error(
            f"No key in FIELD_ENCRYPTION_KEY opens {', '.join(wrong)}.",
            hint="Put the key the database was written with back into FIELD_ENCRYPTION_KEY.",
            id="sequin_admin.E001",
        )
    ]


def list_wrong_columns() -> list[str]:
    """Columns that no key opens; none of a database without our tables."""
    tables = set(connection.introspection.table_names())
    ours = {column.model._meta.db_table for column in keyring.encrypted_columns()}
    return keyring.unreadable_columns() if ours <= tables else []


def known_migrations() -> set[tuple[str, str]]:
    """App and name of every migration of this version."""
    return set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


@register(Tags.database)
def check_version(databases: Sequence[str] | None = None, **kwargs: Any) -> list[Error]:
    """An error when migrations were applied that this version does not have.

    Runs with `migrate` as well, so nothing is changed in such a database. Raises `OperationalError`
    for one that gives no answer.
    """
    if not databases:
        return []
    loader = ask_database(lambda: MigrationLoader(connection, ignore_no_migrations=True))
    if loader is None or loader.applied_migrations.keys() <= loader.disk_migrations.keys():
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
    if not settings.SECURE_PROXY_SSL_HEADER or settings.TRUSTED_PROXIES.any:
        return []
    return [
        Warning(
            "BEHIND_TLS_PROXY is set and TRUSTED_PROXIES is not, so all callers count as one: "
            "a few wrong passwords of anybody keep everybody from logging in.",
            hint="Set TRUSTED_PROXIES to the number of proxies in front, or their networks.",
            id="sequin_admin.W001",
        )
    ]


@register(Tags.security)
def check_redirects(**kwargs: object) -> list[Warning]:
    """A warning when every request is redirected to https, and none is known to have come by it."""
    if settings.SECURE_PROXY_SSL_HEADER or not settings.SECURE_SSL_REDIRECT:
        return []
    return [
        Warning(
            "PUBLIC_URL begins with https and BEHIND_TLS_PROXY is not set, so who comes through a "
            "proxy is redirected to the same address again and again.",
            hint="Set BEHIND_TLS_PROXY=True, and TRUSTED_PROXIES, where a proxy ends TLS; "
            "SECURE_SSL_REDIRECT=False where the web process itself does.",
            id="sequin_admin.W003",
        )
    ]


def log_proxy_risks() -> None:
    """Called when a web process starts."""
    for each in (*check_redirects(), *check_trusted_proxies()):
        log.warning("the proxy is not as the settings say", reason=f"{each.msg} {each.hint}")


def refuse_unknown_callers() -> None:
    """Raises `ImproperlyConfigured` where staff's networks are named and all callers have one
    address, the proxy's: in one of these networks, it would let everybody in."""
    proxied = settings.SECURE_PROXY_SSL_HEADER and not settings.TRUSTED_PROXIES.any
    if proxied and settings.STAFF_NETWORKS:
        raise ImproperlyConfigured(
            "STAFF_NETWORKS is set, and behind a proxy (BEHIND_TLS_PROXY) all callers have its "
            "address. Set TRUSTED_PROXIES to the number of proxies in front, or their networks."
        )


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
        raise SystemExit(describe_failure(error)) from None
    finally:
        connection.close()


def count_missing_migrations() -> int:
    loader = MigrationLoader(connection)
    return len(loader.disk_migrations.keys() - loader.applied_migrations.keys())


def describe_failure(error: Exception) -> str:
    """A sentence about a database that was not usable. What the driver says names no password."""
    reason = (str(error).strip().splitlines() or ["no reason given"])[0].rstrip(".")
    if is_contended(error):
        return (
            f"The database ended what was begun: {reason}. That step was undone as a whole, so try "
            "again."
        )
    return (
        f"The database can't be used: {reason}. Start it, or correct DATABASE_URL, then try again."
    )
