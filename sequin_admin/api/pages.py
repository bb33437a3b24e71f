"""Keyset pagination: the last page is as quick as the first, and rows may come and go."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.utils.dateparse import parse_datetime

from sequin_admin.api.errors import ApiError

Row = TypeVar("Row", bound=Model)


def page_of(
    rows: QuerySet[Row], *, sort: str, cursor: str, limit: int
) -> tuple[list[Row], str | None]:
    """Up to `limit` rows after `cursor`, and the cursor of the next page, None on the last one.

    `sort` is a column, with `-` for descending; ties are told apart by id.
    """
    descending, column = sort.startswith("-"), sort.lstrip("-")
    if cursor:
        rows = rows.filter(after(column, *read(cursor, sort), descending=descending))
    sign = "-" if descending else ""
    found = list(rows.order_by(sort, f"{sign}id")[: limit + 1])
    more = found[limit:]
    return found[:limit], write(sort, found[limit - 1], column) if more else None


def after(column: str, value: Any, pk: str, *, descending: bool) -> Q:
    way = "lt" if descending else "gt"
    return Q(**{f"{column}__{way}": value}) | Q(**{column: value, f"id__{way}": pk})


def write(sort: str, row: Model, column: str) -> str:
    value = getattr(row, column)
    text = value.isoformat() if hasattr(value, "isoformat") else value
    return base64.urlsafe_b64encode(json.dumps([sort, text, str(row.pk)]).encode()).decode()


def read(cursor: str, sort: str) -> Sequence[Any]:
    try:
        made_for, value, pk = json.loads(base64.urlsafe_b64decode(cursor))
    except (ValueError, binascii.Error, TypeError):
        made_for = value = pk = None
    if made_for != sort or not isinstance(value, str):
        said = "Take next_cursor from the answer before, with the same sort, or leave it out."
        raise ApiError(422, "The cursor is not one of ours.", {"cursor": [said]})
    return (parse_datetime(value) or value) if sort.endswith("_at") else value, pk
