"""What a span says of a statement: its text, whose values are parameters, and its first table."""

import re
from collections.abc import Mapping

Attributes = Mapping[str, str | int]
# Longer ones have lists of parameters.
MOST_CHARS = 2_000
TABLE = re.compile(r'\b(?:FROM|INTO|UPDATE|TABLE)\s+"?(\w+)', re.IGNORECASE)
TEXTS = re.compile(r"'(?:[^']|'')*'")


def describe_statement(sql: str, vendor: str) -> tuple[str, Attributes]:
    """The name of its span, and its attributes. A text within it is left out all the same."""
    operation = (sql.split(None, 1) or [""])[0].upper()
    found = TABLE.search(sql)
    table = found[1] if found else ""
    return f"{operation} {table}".strip(), {
        "db.system.name": vendor,
        "db.operation.name": operation,
        "db.query.text": TEXTS.sub("?", sql)[:MOST_CHARS],
        **({"db.collection.name": table} if table else {}),
    }
