"""Steps of migrations that Django has none for."""

from typing import Any

from django.db.migrations import RunSQL


class PostgresSQL(RunSQL):
    """SQL that other databases can do without."""

    def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, *states)


def index_of_pairs(table: str) -> PostgresSQL:
    """What `metadata__has_pairs` goes by. Without a list of pending rows, which each read scans."""
    name = f"{table}_pairs"
    return PostgresSQL(
        f"CREATE INDEX {name} ON {table} "
        "USING gin (metadata jsonb_path_ops) WITH (fastupdate = off)",
        f"DROP INDEX {name}",
    )


def statistics_of_search(table: str, *columns: str) -> PostgresSQL:
    """How much a search for a part of these finds, which the database else takes for nothing.

    So it walks through the order of a page when many rows match, and reads them all when few do.
    """
    name = f"{table}_search"
    searched = ", ".join(f"(upper({column}::text))" for column in columns)
    return PostgresSQL(
        f"CREATE STATISTICS {name} ON {searched} FROM {table}", f"DROP STATISTICS {name}"
    )
