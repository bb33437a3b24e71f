"""The tables of a collection, beside what dlt makes of them."""

import re
from collections.abc import Iterable, Mapping, Sequence

from dlt.common.normalizers.naming.snake_case import NamingConvention
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from sequin_admin.client.runs import RunFailed

# PostgreSQL's longest name, and what dlt appends to a schema's.
LONGEST_NAME, STAGING = 63, "_staging"
NAMING = NamingConvention(LONGEST_NAME)
# Of a sync's id: 48 bits, so that two of many syncs do not meet.
MARK_CHARS = 12
MOST_SCHEMA_CHARS = LONGEST_NAME - len(STAGING) - MARK_CHARS - 1
# Of loads whose rows are long committed.
KEPT_LOADS = "7 days"
UNIQUE = """\
SELECT 1 FROM pg_index WHERE indrelid = to_regclass(%s) AND indisprimary"""
# dlt keeps what it knows of the tables, and would not make one again that somebody has dropped.
FORGET = """\
DELETE FROM {versions} WHERE to_regclass(%s) IS NULL"""
# Also what dlt has gathered to be merged into it.
FORMER = """\
SELECT schemaname, tablename FROM pg_tables
WHERE schemaname IN (%(dataset)s, %(staging)s) AND tablename <> %(table)s
AND tablename ~ ('^' || %(main)s || '_[0-9]+$')"""
# The table stays, with its grants, views and indexes.
SWAP = """\
DELETE FROM {table}; INSERT INTO {table} ({columns}) SELECT {columns} FROM {other};
DROP TABLE {other}"""
COUNTS = """\
SELECT count(*) FILTER (WHERE new.id IS NOT NULL), count(*) FILTER (WHERE new.id IS NULL)
FROM {shown} AS shown FULL JOIN {new} AS new ON new.id = shown.id"""
NO_ROWS = sql.SQL("(SELECT NULL::text AS id LIMIT 0)")
SAME = """\
SELECT id FROM {table} JOIN unnest(%s::text[], %s::text[]) AS sent (key, text) ON id = key
WHERE data = text::jsonb"""
GENERATION = "generation "
COLUMNS = ("id", "data", "gone", "_dlt_load_id", "_dlt_id")


def dataset_name(schema: str, sync_id: str) -> str:
    """The schema of a sync's rows, in a target that names this schema, or none."""
    place = normalize(schema or "public")[:MOST_SCHEMA_CHARS].rstrip("_")
    return f"{place}_{sync_id.replace('-', '')[:MARK_CHARS]}"


def table_name(collection_id: str) -> str:
    """`hubspot:contact` is `contact`."""
    name = re.sub(r"\W+", "_", collection_id.rpartition(":")[2]).strip("_")
    return normalize(name[:40] or "rows")


def normalize(name: str) -> str:
    """As dlt does it, so that tables are where it makes them, but without words in capitals."""
    return str(NAMING.normalize_identifier(name.lower()))


def refuse_shared_names(collection_ids: Iterable[str]) -> None:
    """Raises `RunFailed`: the sweep of one collection would delete the rows of the other, and the
    generations of `order` are the tables `order_2`, `order_3`, which are dropped in their turn."""
    names, known = {each: table_name(each) for each in collection_ids}, dict[str, str]()
    for each, name in names.items():
        for taken in (name, f"{name}_raw"):
            refuse_other(known.setdefault(taken, each), each, taken)
    for each, name in names.items():
        main, _, number = name.rpartition("_")
        if number.isdecimal():
            refuse_other(known.get(main, each), each, name)


def refuse_other(first: str, second: str, table: str) -> None:
    """Raises `RunFailed` for two collections that have one table."""
    if first != second:
        raise RunFailed(
            f"{first} and {second} would both be {table} in the target. Let two syncs read them: "
            "each sync has a schema of its own.",
            of="target",
        )


def regclass(dataset: str, table: str) -> str:
    return f'"{dataset}"."{table}"'


def exists(cursor: Cursor, dataset: str, table: str) -> bool:
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [regclass(dataset, table)])
    return bool(cursor.fetchone()[0])


def prepare(cursor: Cursor, dataset: str, table: str) -> bool:
    """Before the first load of a run. Returns whether the table is there."""
    if exists(cursor, dataset, "_dlt_version"):
        named = sql.SQL(FORGET).format(versions=sql.Identifier(dataset, "_dlt_version"))
        cursor.execute(named, [regclass(dataset, table)])
    if exists(cursor, dataset, "_dlt_loads"):
        loads = sql.Identifier(dataset, "_dlt_loads")
        old = sql.SQL("DELETE FROM {} WHERE inserted_at < now() - %s::interval")
        cursor.execute(old.format(loads), [KEPT_LOADS])
    if not exists(cursor, dataset, table):
        return False
    # A run may have ended before it could do so.
    ensure_primary_key(cursor, dataset, table)
    return True


def drop_former(cursor: Cursor, dataset: str, main: str, table: str) -> None:
    """Tables of generations that came to no end, or were swapped. That of `table` stays."""
    known = {"dataset": dataset, "staging": f"{dataset}{STAGING}", "main": main, "table": table}
    cursor.execute(FORMER, known)
    for found in cursor.fetchall():
        cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(*found)))


def ensure_primary_key(cursor: Cursor, dataset: str, table: str) -> None:
    """dlt makes none, so that each merge would read the whole table."""
    cursor.execute(UNIQUE, [regclass(dataset, table)])
    if cursor.fetchone() is None:
        made = sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (id)")
        cursor.execute(made.format(sql.Identifier(dataset, table)))


def existing_keys(
    cursor: Cursor, dataset: str, table: str, among: Sequence[str] | None
) -> list[str]:
    """Keys of rows that the table has: all of them, or those `among` some."""
    if not exists(cursor, dataset, table):
        return []
    query = sql.SQL("SELECT id FROM {}").format(sql.Identifier(dataset, table))
    if among is not None:
        query += sql.SQL(" WHERE id = ANY(%s)")
    cursor.execute(query, None if among is None else [list(among)])
    return [row[0] for row in cursor]


def unchanged_keys(cursor: Cursor, dataset: str, table: str, rows: Mapping[str, str]) -> set[str]:
    """Keys of rows that the table has just so. `rows` are texts of JSON by key."""
    query = sql.SQL(SAME).format(table=sql.Identifier(dataset, table))
    cursor.execute(query, [list(rows), list(rows.values())])
    return {row[0] for row in cursor}


def generation(cursor: Cursor, dataset: str, table: str) -> int:
    """Which generation's rows the table has."""
    cursor.execute("SELECT obj_description(to_regclass(%s))", [regclass(dataset, table)])
    said = cursor.fetchone()[0] or ""
    return int(said.removeprefix(GENERATION)) if said.startswith(GENERATION) else 1


def count_swap(cursor: Cursor, dataset: str, table: str, other: str) -> tuple[int, int]:
    """How many rows the other table has, and how many of this one it lacks."""
    shown, new = (rows_of(cursor, dataset, each) for each in (table, other))
    cursor.execute(sql.SQL(COUNTS).format(shown=shown, new=new))
    kept, lost = cursor.fetchone()
    return kept, lost


def rows_of(cursor: Cursor, dataset: str, table: str) -> sql.Composable:
    """The table in a query; one without rows when it is not there."""
    return sql.Identifier(dataset, table) if exists(cursor, dataset, table) else NO_ROWS


def swap(cursor: Cursor, dataset: str, table: str, other: str, number: int) -> None:
    """Let the table have the rows of the other one, the generation of this number, which ends."""
    names = {"table": sql.Identifier(dataset, table), "other": sql.Identifier(dataset, other)}
    if not exists(cursor, dataset, other):
        cursor.execute(sql.SQL("DELETE FROM {table}").format(**names))
    elif exists(cursor, dataset, table):
        columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
        cursor.execute(sql.SQL(SWAP).format(columns=columns, **names))
    else:
        renamed = sql.SQL("ALTER TABLE {other} RENAME TO {name}")
        cursor.execute(renamed.format(name=sql.Identifier(table), **names))
    comment = sql.SQL("COMMENT ON TABLE {table} IS {said}")
    cursor.execute(comment.format(said=sql.Literal(f"{GENERATION}{number}"), **names))
