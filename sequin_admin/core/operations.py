"""Migration operations that Django does not have."""

from typing import Any

from django.db.migrations import RunSQL


class PostgresSQL(RunSQL):
    """SQL that runs on PostgreSQL only."""

    def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, *states)


def create_pairs_index(table: str) -> PostgresSQL:
    """The index of `metadata__has_pairs`. No `fastupdate`: every read scans its pending list."""
    name = f"{table}_pairs"
    return PostgresSQL(
        f"CREATE INDEX {name} ON {table} "
        "USING gin (metadata jsonb_path_ops) WITH (fastupdate = off)",
        f"DROP INDEX {name}",
    )


def create_search_statistics(table: str, *columns: str) -> PostgresSQL:
    """Statistics on the expressions that `icontains` compares.

    Without them PostgreSQL estimates that a search matches almost no rows. With them it walks the
    index of the page's order when many rows match, and filters first when few do.
    """
    name = f"{table}_search"
    searched = ", ".join(f"(upper({column}::text))" for column in columns)
    return PostgresSQL(
        f"CREATE STATISTICS {name} ON {searched} FROM {table}", f"DROP STATISTICS {name}"
    )
