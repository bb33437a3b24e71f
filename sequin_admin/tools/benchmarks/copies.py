"""Many rows at once, by one statement: making objects of a million would take most of the time."""

import uuid

from django.db import connection, models

UUID_TEXT = {
    "postgresql": "('{head}' || lpad(to_hex(n), 24, '0'))::uuid",
    "sqlite": "'{head}' || printf('%%024x', n)",
}


def numbered_uuid(head: str) -> str:
    """In SQL, the UUID of copy `n`. `head` has eight hexadecimal digits."""
    return UUID_TEXT[connection.vendor].format(head=head)


def new_head() -> str:
    return uuid.uuid4().hex[:8]


def copy_row(row: models.Model, count: int, **changed: str) -> None:
    """Store copies of a stored row. `changed` has SQL by column, where `n` numbers the copies."""
    quote, meta = connection.ops.quote_name, row._meta
    counted = isinstance(meta.pk, models.AutoField)
    fields = (
        f for f in meta.concrete_fields if not f.generated and not (counted and f.primary_key)
    )
    columns = [str(f.column) for f in fields]
    names = ", ".join(map(quote, columns))
    values = ", ".join(changed.get(name, quote(name)) for name in columns)
    table, key = quote(meta.db_table), meta.pk
    sql = f"""
        WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s)
        INSERT INTO {table} ({names}) SELECT {values} FROM {table}, numbers
        WHERE {quote(str(key.column))} = %s
    """  # noqa: S608 - names of our own tables and columns
    with connection.cursor() as cursor:
        cursor.execute(sql, [count, key.get_db_prep_value(row.pk, connection)])
