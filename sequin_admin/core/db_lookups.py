"""Looking for text, whatever its case, and for pairs of JSON, alike on every database."""

import json
import re
from typing import Any

from django.db.models import CharField, JSONField, TextField, lookups


@CharField.register_lookup
@TextField.register_lookup
class AnyCase(lookups.IContains):
    """`icontains`. SQLite's own LIKE knows upper and lower case of ASCII only."""

    def as_sqlite(self, compiler: Any, connection: Any) -> Any:
        if not isinstance(self.rhs, str) or self.rhs.isascii():
            return self.as_sql(compiler, connection)
        return lookups.IRegex(self.lhs, re.escape(self.rhs)).as_sql(compiler, connection)


@JSONField.register_lookup
class HasPairs(lookups.Lookup):
    """JSON objects that have all of these pairs. Values are equal as JSON, so `1` is no `true`."""

    lookup_name = "has_pairs"
    prepare_rhs = False

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        """`@>` has an index, but also takes lists and objects that hold more than asked."""
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
            same, values = same_in_sqlite(value)
            pair = f"SELECT 1 FROM json_each({column}) AS pair WHERE pair.key = %s AND {same}"  # noqa: S608
            sql += f" AND EXISTS ({pair})"
            given += [*params, key, *values]
        return f"({sql})", given


# What a list or object consists of. `1` and `1.0` are one number.
NODES = "SELECT fullkey, replace(type, 'real', 'integer'), atom FROM json_tree({})"
MINE, ASKED = NODES.format("pair.value"), NODES.format("%s")


def same_in_sqlite(value: Any) -> tuple[str, list[Any]]:
    """How to ask whether `pair`, a row of `json_each()`, has this value; and the parameters."""
    text = json.dumps(value)
    if value is None or isinstance(value, bool):
        return "pair.type = %s", [text]
    if isinstance(value, str):
        return "pair.type = 'text' AND pair.atom = %s", [value]
    if isinstance(value, (int, float)):
        return "pair.type IN ('integer', 'real') AND pair.atom = json_extract(%s, '$')", [text]
    same = f"NOT EXISTS ({MINE} EXCEPT {ASKED}) AND NOT EXISTS ({ASKED} EXCEPT {MINE})"
    return f"pair.type IN ('object', 'array') AND {same}", [text, text]
