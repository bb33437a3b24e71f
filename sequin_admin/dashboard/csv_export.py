"""Lists as CSV, in batches: however long a list is, only one batch of its rows is in memory."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import StreamingHttpResponse

from sequin_admin.core.chunks import CHUNK_SIZE
from sequin_admin.dashboard.access import Request
from sequin_admin.dashboard.listing import get_query_param

Row = TypeVar("Row", bound=Model)
FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")
# The title of each column, and its value of a row.
Columns = Mapping[str, Callable[[Any], object]]


def wants_csv(request: Request) -> bool:
    """Whether the list is asked for as CSV, by `?format=csv` beside its filters."""
    return get_query_param(request, "format") == "csv"


def escape_formula(cell: str) -> str:
    """Prefix a cell that a spreadsheet would run as a formula."""
    return f"'{cell}" if cell[:1] in FORMULA_PREFIXES else cell


def cell_text(value: object) -> str:
    if value is None:
        return ""
    text = value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
    return escape_formula(text)


def csv_response(name: str, rows: QuerySet[Row], columns: Columns) -> StreamingHttpResponse:
    return download(name, csv_lines(rows, columns))


def stream_csv(name: str, rows: Iterable[object], columns: Columns) -> StreamingHttpResponse:
    """As `csv_response()`, for rows of no model, which may come one by one."""
    lines = (csv_line(column(row) for column in columns.values()) for row in rows)
    return download(name, chain([csv_line(columns)], lines))


def download(name: str, lines: Iterator[str]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, "text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response["Cache-Control"] = "no-store"
    return response


def csv_lines(rows: QuerySet[Row], columns: Columns) -> Iterator[str]:
    """In the order of `rows`, as they were when it began: only their keys are read at once."""
    yield csv_line(columns)
    pks = list(rows.values_list("pk", flat=True))
    for start in range(0, len(pks), CHUNK_SIZE):
        chunk = pks[start : start + CHUNK_SIZE]
        known = rows.order_by().in_bulk(chunk)
        found = (known[pk] for pk in chunk if pk in known)
        yield "".join(csv_line(column(row) for column in columns.values()) for row in found)


def csv_line(cells: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([cell_text(cell) for cell in cells])
    return line.getvalue()
