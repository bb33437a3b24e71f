"""Lists as CSV, in batches: however long a list is, only one batch of its rows is in memory.

A large one is made by the worker. Who has taken which is audited.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, cast

from django.db.models import Model, QuerySet
from django.http import HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from sequin_admin.access import exports
from sequin_admin.core.actors import actor_of
from sequin_admin.core.chunks import CHUNK_SIZE
from sequin_admin.dashboard.access import Request
from sequin_admin.dashboard.listing import Asked, get_query_param

# Lists with more rows are made by the worker: a browser would wait too long.
AT_ONCE = 5_000
FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")
# The title of each column, and its value of a row.
Columns = Mapping[str, Callable[[Any], object]]


@dataclass(frozen=True)
class CsvList:
    """How a list is downloaded. `name` is the URL name of its page, `rows` what is found of it, in
    order. `parse` makes what the columns take of a row that is no object."""

    name: str
    rows: Callable[[Asked], QuerySet[Model, object]]
    columns: Columns
    parse: Callable[[dict[str, Any]], object] | None = None

    def lines(self, asked: Asked) -> Iterator[str]:
        """Some hundreds of lines a time."""
        rows = self.rows(asked)
        if self.parse is None:
            return csv_lines(rows, self.columns)
        found = cast(Iterator[dict[str, Any]], rows.iterator(CHUNK_SIZE))
        return stream_lines(map(self.parse, found), self.columns)


def wants_csv(request: Request) -> bool:
    """Whether the list is asked for as CSV, by `?format=csv` beside its filters."""
    return get_query_param(request, "format") == "csv"


def csv_response(request: Request, listed: CsvList) -> HttpResponseBase:
    """The list as a file, or the page that lets the worker make a large one."""
    query = query_of(request)
    count = listed.rows(request).order_by()[: AT_ONCE + 1].count()
    if count > AT_ONCE:
        return redirect(f"{reverse('dashboard:export_new', args=[listed.name])}?{query}")
    exports.record_exported(
        request.organization, actor=actor_of(request), listed=listed.name, query=query, count=count
    )
    return download(f"{listed.name.replace('_', '-')}.csv", listed.lines(request))


def query_of(request: Request) -> str:
    """The filters and the order of the list."""
    query = request.GET.copy()
    for name in ("format", "page"):
        query.pop(name, None)
    return query.urlencode()


def escape_formula(cell: str) -> str:
    """Prefix a cell that a spreadsheet would run as a formula."""
    return f"'{cell}" if cell[:1] in FORMULA_PREFIXES else cell


def cell_text(value: object) -> str:
    if value is None:
        return ""
    text = value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
    return escape_formula(text)


def download(name: str, lines: Iterator[str]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, "text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def csv_lines(rows: QuerySet[Model, object], columns: Columns) -> Iterator[str]:
    """In the order of `rows`, as they were when it began: only their keys are read at once."""
    yield csv_line(columns)
    pks = list(rows.values_list("pk", flat=True))
    for start in range(0, len(pks), CHUNK_SIZE):
        chunk = pks[start : start + CHUNK_SIZE]
        known = rows.order_by().in_bulk(chunk)
        yield rows_text((known[pk] for pk in chunk if pk in known), columns)


def stream_lines(rows: Iterator[object], columns: Columns) -> Iterator[str]:
    """As `csv_lines()`, for rows of no model, which come one by one."""
    yield csv_line(columns)
    while chunk := list(islice(rows, CHUNK_SIZE)):
        yield rows_text(chunk, columns)


def rows_text(rows: Iterable[object], columns: Columns) -> str:
    return "".join(csv_line(column(row) for column in columns.values()) for row in rows)


def csv_line(cells: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([cell_text(cell) for cell in cells])
    return line.getvalue()
