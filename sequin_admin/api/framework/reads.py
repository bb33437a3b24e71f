"""One row and pages of rows, with the check of the API key in the same query.

For operations with `CachedKeyAuth`: a key that was revoked or changed, or has expired, is noticed
by the query that it is used for.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db.models import DateTimeField, Model, PositiveIntegerField, QuerySet, UUIDField
from django.http import HttpResponse

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Scope
from sequin_admin.api.framework.auth import ApiRequest, find_with_key
from sequin_admin.api.framework.columns import RowShape, encode
from sequin_admin.api.framework.etags import etag_of
from sequin_admin.api.framework.pagination import (
    PageParams,
    decode_cursor,
    encode_cursor,
    rows_after,
    sort_fields,
    sort_names,
)
from sequin_admin.api.framework.rows import no_such
from sequin_admin.core import clock
from sequin_admin.core.prepared import (
    ColumnRows,
    Columns,
    Parameters,
    PreparedColumns,
    fetch_columns,
)

# Of a view: bytes, or values that are checked against the schema.
Answer = HttpResponse | dict[str, Any]
CONTENT_TYPE = "application/json; charset=utf-8"
# Any version: prepared queries are built with it.
EXAMPLE_VERSION = 987_654_321
KEY: Parameters = {
    "organization": (UUIDField(), uuid4()),
    "key": (UUIDField(), uuid4()),
    "version": (PositiveIntegerField(), EXAMPLE_VERSION),
    "now": (DateTimeField(), datetime(2001, 2, 3, tzinfo=UTC)),
}


class Page(NamedTuple):
    """What makes a page of a list besides its filters: hashable."""

    sort: str
    # Of the database, in the place of `sort`.
    names: tuple[str, ...]
    limit: int
    is_first: bool


def one_response(request: ApiRequest, shape: RowShape, pk: UUID, noun: str) -> HttpResponse:
    """The row with that id, and its ETag. Raises 401, 403 and 404."""
    rows = find_with_key(request, Scope.READ, lambda key: find_one(key, shape, pk))
    if not rows:
        raise no_such(noun)
    fields = shape.reader(shape.columns)(rows[0])
    response = HttpResponse(encode(fields), CONTENT_TYPE)
    response["ETag"] = etag_of(fields)
    return response


def page_response(request: ApiRequest, shape: RowShape, filters: PageParams) -> HttpResponse:
    """The page that was asked for, and the cursor of the next one. Raises 401, 403 and 422."""
    filters.refuse_unknown(request)
    page = page_of(filters)
    rows = find_with_key(request, Scope.READ, lambda key: find_page(key, shape, page, filters))
    columns, following = columns_of(shape, page), None
    read = shape.reader(columns)
    if len(rows) > page.limit:
        rows = rows[: page.limit]
        following = encode_cursor(page.sort, shape.values(rows[-1], columns, page.names))
    answer = {"data": [read(row) for row in rows], "next_cursor": following}
    return HttpResponse(encode(answer), CONTENT_TYPE)


def page_of(filters: PageParams) -> Page:
    sort: str = vars(filters)["sort"]
    names = sort_names(sort, filters.sort_columns.get(sort.lstrip("-"), ""))
    return Page(sort, tuple(names), filters.limit, not filters.cursor)


def find_one(key: ApiKey, shape: RowShape, pk: UUID) -> tuple[Sequence[Columns], bool]:
    rows = prepared_one(shape).fetch(**key_values(key), pk=pk)
    return rows, holds(key, rows)


def find_page(
    key: ApiKey, shape: RowShape, page: Page, filters: PageParams
) -> tuple[Sequence[Columns], bool]:
    """The rows of a page and one more, and whether the key holds. Raises 422."""
    fields = sort_fields(shape.model, page.names)
    last = None if page.is_first else decode_cursor(filters.cursor, page.sort, fields)
    values = key_values(key)
    if filters.narrows():
        narrowed = filters.narrow(rows_of(shape, key.organization_id))
        rows = fetch_columns(page_query(narrowed, shape, page, last, values))
    else:
        after = dict(zip(page.names, last or (), strict=False))
        rows = prepared_page(shape, page).fetch(**values, **after)
    return rows, holds(key, rows)


def columns_of(shape: RowShape, page: Page) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*shape.columns, *page.names)))


def key_values(key: ApiKey) -> dict[str, Any]:
    return {
        "organization": key.organization_id,
        "key": key.pk,
        "version": key.version,
        "now": clock.now(),
    }


def holds(key: ApiKey, rows: Sequence[Columns]) -> bool:
    """Whether the key was still valid and unchanged: the last column of each row, if any."""
    return bool(rows[0][-1]) if rows else keys.is_still_usable(key)


def rows_of(shape: RowShape, organization: UUID) -> QuerySet[Model]:
    return shape.model._default_manager.filter(organization_id=organization)


def page_query(
    rows: QuerySet[Model],
    shape: RowShape,
    page: Page,
    last: Sequence[object] | None,
    values: dict[str, Any],
) -> ColumnRows:
    """The columns of the shape, those that the page is sorted by, and whether the key holds."""
    ordered = rows_after(rows, page.sort, page.names, last)[: page.limit + 1]
    usable = keys.still_usable(values["key"], values["version"], values["now"])
    return ordered.values_list(*columns_of(shape, page), usable)


@lru_cache(64)
def prepared_page(shape: RowShape, page: Page) -> PreparedColumns:
    """The query of a page without filters."""
    fields = sort_fields(shape.model, page.names)
    after = {} if page.is_first else {f.name: (f, example_of(f)) for f in fields}

    def build(**values: Any) -> ColumnRows:
        last = None if page.is_first else [values[name] for name in page.names]
        return page_query(rows_of(shape, values["organization"]), shape, page, last, values)

    return PreparedColumns(build, {**KEY, **after})


def example_of(field: object) -> object:
    """A value for a sorted column that no other parameter has."""
    if isinstance(field, DateTimeField):
        return datetime(2001, 2, 4, tzinfo=UTC)
    return uuid4() if isinstance(field, UUIDField) else f"example {uuid4()}"


@lru_cache(16)
def prepared_one(shape: RowShape) -> PreparedColumns:
    """The query of one row."""

    def build(pk: UUID, **values: Any) -> ColumnRows:
        usable = keys.still_usable(values["key"], values["version"], values["now"])
        rows = rows_of(shape, values["organization"]).filter(pk=pk)
        return rows.values_list(*shape.columns, usable)

    return PreparedColumns(build, {**KEY, "pk": (UUIDField(), uuid4())})
