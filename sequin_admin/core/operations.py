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


def create_trigram_function() -> PostgresSQL:
    """`search_trigrams(text)`: every three letters in a row, once each, of any PostgreSQL."""
    return PostgresSQL(
        """
        CREATE FUNCTION search_trigrams(searched text) RETURNS text[]
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
            SELECT coalesce(array_agg(DISTINCT one || two || three), '{}') FROM (
                SELECT letter AS one, lead(letter) OVER letters AS two,
                    lead(letter, 2) OVER letters AS three
                FROM unnest(string_to_array(searched, NULL)) WITH ORDINALITY AS each(letter, at)
                WINDOW letters AS (ORDER BY at)
            ) AS rows WHERE three IS NOT NULL
        $$
        """,
        "DROP FUNCTION search_trigrams(text)",
    )


def speed_up_trigram_function() -> PostgresSQL:
    """The same without sorting: whether an index or a row holds them does not depend on how often
    a text has them, and indexes that were built stay right."""
    return PostgresSQL(
        """
        CREATE OR REPLACE FUNCTION search_trigrams(searched text) RETURNS text[]
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
            SELECT coalesce(array_agg(one || two || three), '{}') FROM (
                SELECT string_to_array(searched, NULL) AS letters OFFSET 0
            ) AS split, unnest(letters, letters[2:], letters[3:]) AS each(one, two, three)
            WHERE three IS NOT NULL
        $$
        """,
        RunSQL.noop,
    )


def create_trigram_index(table: str, column: str) -> list[PostgresSQL]:
    """The index of `has_word`, built while others write: the migration must not be atomic."""
    name = f"{table}_trigrams"
    create = f"CREATE INDEX CONCURRENTLY {name} ON {table} USING gin (search_trigrams({column}))"
    # What an attempt that was broken off has left.
    return [
        PostgresSQL(f"DROP INDEX IF EXISTS {name}", RunSQL.noop),
        PostgresSQL(create, f"DROP INDEX {name}"),
    ]
