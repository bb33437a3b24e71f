"""Lookups that work the same on SQLite and PostgreSQL: `icontains` and `has_pairs` for JSON."""

import json
import re
from typing import Any

from django.db.models import CharField, JSONField, TextField, lookups


@CharField.register_lookup
@TextField.register_lookup
class UnicodeIContains(lookups.IContains):
    """`icontains` for any letter: SQLite's LIKE ignores the case of ASCII letters only."""

    def as_sqlite(self, compiler: Any, connection: Any) -> Any:
        if not isinstance(self.rhs, str) or self.rhs.isascii():
            return self.as_sql(compiler, connection)
        return lookups.IRegex(self.lhs, re.escape(self.rhs)).as_sql(compiler, connection)


@JSONField.register_lookup
class HasPairs(lookups.Lookup):
    """JSON objects that have all of these pairs. Values compare as JSON: `1` is not `true`."""

    lookup_name = "has_pairs"
    prepare_rhs = False

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        """`@>` uses the index, but also matches lists and objects that contain more."""
        column, params = self.process_lhs(compiler, connection)
        sql, given = f"{column} @> %s::jsonb", [*params, json.dumps(self.rhs)]
        for key, value in self.rhs.items():
            if isinstance(value, (list, dict)):
                sql += f" AND {column} -> %s::text = %s::jsonb"
                given += [*params, key, json.dumps(value)]
        return f"({sql})", given

    def as_sqlite(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        sql, given = "1 = 1", []
        for key, value in self.rhs.items():
            equal, values = equals_in_sqlite(value)
            pair = f"SELECT 1 FROM json_each({column}) AS pair WHERE pair.key = %s AND {equal}"  # noqa: S608
            sql += f" AND EXISTS ({pair})"
            given += [*params, key, *values]
        return f"({sql})", given


# All nodes of a list or object. `1` and `1.0` are the same number.
NODES = "SELECT fullkey, replace(type, 'real', 'integer'), atom FROM json_tree({})"
STORED, GIVEN = NODES.format("pair.value"), NODES.format("%s")


def equals_in_sqlite(value: object) -> tuple[str, list[Any]]:
    """SQL, with parameters, for whether `pair`, a row of `json_each()`, has this value."""
    text = json.dumps(value)
    if value is None or isinstance(value, bool):
        return "pair.type = %s", [text]
    if isinstance(value, str):
        return "pair.type = 'text' AND pair.atom = %s", [value]
    if isinstance(value, (int, float)):
        return "pair.type IN ('integer', 'real') AND pair.atom = json_extract(%s, '$')", [text]
    equal = f"NOT EXISTS ({STORED} EXCEPT {GIVEN}) AND NOT EXISTS ({GIVEN} EXCEPT {STORED})"
    return f"pair.type IN ('object', 'array') AND {equal}", [text, text]
