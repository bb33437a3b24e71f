"""Refuses to start when the keys at hand can't open what is stored."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import Error, Tags, register
from django.db import DatabaseError, connection

from sequin_admin.core import keyring


@register(Tags.database)
def keys_open_the_database(databases: Sequence[str] | None = None, **kwargs: Any) -> list[Error]:
    """Runs with `migrate` and `check --database`; `refuse_wrong_keys` calls it at start-up."""
    if not databases:
        return []
    try:
        tables = set(connection.introspection.table_names())
        if not {column.model._meta.db_table for column in keyring.columns()} <= tables:
            return []
        wrong = keyring.unreadable()
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


def refuse_wrong_keys() -> None:
    """End the process with the sentence instead of serving with the wrong keys."""
    for error in keys_open_the_database(["default"]):
        raise SystemExit(f"{error.msg} {error.hint}")
    connection.close()
