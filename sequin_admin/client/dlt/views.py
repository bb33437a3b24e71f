"""A view of each collection whose columns are the rows' fields, with types.

The table has rows as they were sent, so a new field or another type loses nothing. The view has a
column for each field, of the narrowest type that all of its values fit in. It is made wider before
rows are written that would not fit.
"""

from collections.abc import Iterable, Mapping

from psycopg2 import errors, sql
from psycopg2.extensions import cursor as Cursor

from sequin_admin.client.dlt.pages import Row

MOST_COLUMNS, MOST_NAME_BYTES = 1000, 63
TYPES = {bool: "boolean", int: "numeric", float: "numeric", str: "text"}
KNOWN = """\
SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""
IN_USE = "The view {view} lacks the column's new type, as views of yours need it: drop them."


def widened(first: str, second: str) -> str:
    """The type that values of both types fit in."""
    if first == second:
        return first
    return "jsonb" if "jsonb" in (first, second) else "text"


def learn(known: Mapping[str, str], rows: Iterable[Row], place: str) -> dict[str, str]:
    """Columns and their types, with those of more rows. Fields are those at `place`, too."""
    types = dict(known)
    for name, type_ in fields_of(rows, place):
        if type_ is not type(None) and name not in ("id", place):
            found = TYPES.get(type_, "jsonb")
            types[name] = widened(types.get(name, found), found)
    short = [name for name in types if name and len(name.encode()) <= MOST_NAME_BYTES]
    return {name: types[name] for name in short[:MOST_COLUMNS]}


def fields_of(rows: Iterable[Row], place: str) -> Iterable[tuple[str, type]]:
    """Each name with each type that it has in the rows, in the order in which they come."""
    found: dict[tuple[str, type], None] = {}
    for row in rows:
        for part in (row, row.get(place) if place else None):
            if isinstance(part, dict):
                found.update(dict.fromkeys(zip(part, map(type, part.values()), strict=True)))
    return found


def column(name: str, type_: str, place: str) -> sql.Composable:
    """`(data->>'amount')::numeric AS amount`; a field at `place` comes before another."""
    arrow = sql.SQL("->" if type_ == "jsonb" else "->>")
    found = sql.SQL("data{}{}").format(arrow, sql.Literal(name))
    if place:
        inner = sql.SQL("data->{}{}{}").format(sql.Literal(place), arrow, sql.Literal(name))
        found = sql.SQL("coalesce({}, {})").format(inner, found)
    cast = sql.SQL("({})::{} AS {}")
    return cast.format(found, sql.SQL(type_), sql.Identifier(name))


class View:
    """The view of a table in its dataset."""

    def __init__(self, dataset: str, name: str, table: str, place: str = "") -> None:
        self.dataset, self.name, self.table, self.place = dataset, name, table, place
        self.types: dict[str, str] | None = None

    def current(self, cursor: Cursor) -> dict[str, str]:
        """Its columns, without `id`."""
        cursor.execute(KNOWN, [f'"{self.dataset}"."{self.name}"'])
        return {name: type_ for name, type_ in cursor.fetchall() if name != "id"}

    def fits(self, rows: Iterable[Row]) -> bool:
        """Whether it has the columns that these rows need."""
        return self.types is not None and learn(self.types, rows, self.place) == self.types

    def widen(self, cursor: Cursor, rows: Iterable[Row]) -> str:
        """Make the view as wide as these rows need it. Returns what hinders that, or nothing."""
        known = self.current(cursor)
        types = learn(known, rows, self.place)
        if types != known:
            try:
                cursor.execute("SAVEPOINT view")
                self.make(cursor, types)
            except errors.DependentObjectsStillExist:
                cursor.execute("ROLLBACK TO view")
                return IN_USE.format(view=self.name)
        self.types = types
        return ""

    def make(self, cursor: Cursor, types: Mapping[str, str]) -> None:
        """Readers see the old view or the new one, which come in one transaction."""
        view, table = (sql.Identifier(self.dataset, each) for each in (self.name, self.table))
        columns = [sql.Identifier("id"), *(column(n, t, self.place) for n, t in types.items())]
        text = sql.SQL("{} VIEW {} AS SELECT {} FROM {}")
        known = self.current(cursor)
        if any(types.get(name) != type_ for name, type_ in known.items()):
            cursor.execute(sql.SQL("DROP VIEW {}").format(view))
        made = sql.SQL(", ").join(columns)
        cursor.execute(text.format(sql.SQL("CREATE OR REPLACE"), view, made, table))
