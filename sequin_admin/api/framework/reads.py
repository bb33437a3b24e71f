"""One row and pages of rows, with the check of the API key in the same query.

For operations with `CachedKeyAuth`: a key that was revoked or changed, or has expired, is noticed
by the query that it is used for.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import (
    CharField,
    DateTimeField,
    Model,
    PositiveIntegerField,
    QuerySet,
    UUIDField,
    Value,
)
from django.http import HttpResponse

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Scope
from sequin_admin.api.framework.auth import ApiRequest, find_with_key
from sequin_admin.api.framework.columns import Reader, RowReader, RowShape, encode
from sequin_admin.api.framework.etags import digest_etag, etag_of, known_digest
from sequin_admin.api.framework.pagination import (
    PageParams,
    decode_cursor,
    encode_cursor,
    rows_after,
    sort_fields,
    sort_names,
)
from sequin_admin.api.framework.responses import unchanged
from sequin_admin.api.framework.rows import no_such
from sequin_admin.core import clock
from sequin_admin.core.admission import make_way
from sequin_admin.core.prepared import (
    ColumnQuery,
    ColumnRows,
    Columns,
    DigestedQuery,
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


def json_response(fields: dict[str, Any]) -> HttpResponse:
    """What is sent as it is: the fields of the operation's schema, in its order."""
    return HttpResponse(encode(fields), CONTENT_TYPE)


def one_response(request: ApiRequest, shape: RowShape, pk: UUID, noun: str) -> HttpResponse:
    """The row with that id, and its ETag. Raises 401, 403 and 404."""
    rows = find_with_key(request, Scope.READ, lambda key: find_one(key, shape, pk))
    if not rows:
        raise no_such(noun)
    fields = prepared_one(shape).read(rows[0])
    response = json_response(fields)
    response["ETag"] = etag_of(fields)
    return response


def page_response(request: ApiRequest, shape: RowShape, filters: PageParams) -> HttpResponse:
    """The page that was asked for, and the cursor of the next one; 304 when the caller has it.

    Raises 401, 403 and 422.
    """
    page, known = page_of(filters), known_digest(request.META.get("HTTP_IF_NONE_MATCH", ""))
    found = find_with_key(
        request, Scope.READ, lambda key: find_page(key, shape, page, filters, known)
    )
    make_way()
    digest = found[0][0] if found else None
    if digest and digest == known:
        return unchanged(digest_etag(digest))
    rows = [row for row in found[: page.limit] if row[2] is not None]
    prepared, following = prepared_page(shape, page), None
    if len(found) > page.limit:
        last = shape.values(rows[-1], columns_of(shape, page), page.names)
        following = encode_cursor(page.sort, last)
    answer = {"data": prepared.read(rows), "next_cursor": following}
    make_way()
    response = json_response(answer)
    make_way()
    if digest:
        response["ETag"] = digest_etag(digest)
    return response


def page_of(filters: PageParams) -> Page:
    sort: str = vars(filters)["sort"]
    names = sort_names(sort, filters.sort_columns.get(sort.lstrip("-"), ""))
    return Page(sort, tuple(names), filters.limit, not filters.cursor)


def find_one(key: ApiKey, shape: RowShape, pk: UUID) -> tuple[Sequence[Columns], bool]:
    rows = prepared_one(shape).query.fetch(**key_values(key), pk=pk)
    return rows, holds(key, rows)


def find_page(
    key: ApiKey, shape: RowShape, page: Page, filters: PageParams, known: str
) -> tuple[Sequence[Columns], bool]:
    """The rows of a page and one more, and whether the key holds. Raises 422."""
    fields = sort_fields(shape.model, page.names)
    last = None if page.is_first else decode_cursor(filters.cursor, page.sort, fields)
    values, sent = key_values(key), filters.values()
    after = dict(zip(page.names, last or (), strict=False))
    if not filters.narrows():
        rows = prepared_page(shape, page).query.fetch(**values, **after, known=known)
    elif sent is not None:
        narrowed_query = narrowed_page(shape, page, type(filters), sent)
        rows = narrowed_query.fetch(**values, **after, known=known)
    else:
        narrowed = filters.narrow(rows_of(shape, key.organization_id))
        rows = fetch_columns(lambda: page_query(narrowed, shape, page, last, values, known))
    return rows, holds(key, rows)


def columns_of(shape: RowShape, page: Page) -> tuple[str, ...]:
    """The digest of the page, whether the key holds, and what `page_query()` asks for."""
    return tuple(dict.fromkeys(("digest", "key_holds", *shape.columns, *page.names)))


def key_values(key: ApiKey) -> dict[str, Any]:
    return {
        "organization": key.organization_id,
        "key": key.pk,
        "version": key.version,
        "now": clock.now(),
    }


def holds(key: ApiKey, rows: Sequence[Columns]) -> bool:
    """Whether the key was still valid and unchanged: the second column of each row, if any."""
    known = rows[0][1] if rows else None
    return keys.is_still_usable(key) if known is None else bool(known)


def rows_of(shape: RowShape, organization: UUID) -> QuerySet[Model]:
    return shape.model._default_manager.filter(organization_id=organization)


def page_query(
    rows: QuerySet[Model],
    shape: RowShape,
    page: Page,
    last: Sequence[object] | None,
    values: dict[str, Any],
    known: str,
) -> DigestedQuery:
    """The columns of `columns_of()`, unless the digest of the page is `known`."""
    ordered = rows_after(rows, page.sort, page.names, last)[: page.limit + 1]
    columns = columns_of(shape, page)
    sign = -1 if page.sort.startswith("-") else 1
    places = [sign * columns.index(name) for name in page.names]
    return DigestedQuery(with_key(shape, ordered, values, columns[2:]), places, known)


def with_key(
    shape: RowShape, rows: QuerySet[Model], values: dict[str, Any], columns: Sequence[str]
) -> ColumnRows:
    """Some columns of the rows, after an empty text and whether the key holds."""
    usable = keys.still_usable(values["key"], values["version"], values["now"])
    return rows.values_list(Value("", CharField()), usable, *shape.selected(columns))


class PreparedPage(NamedTuple):
    """A query and how its rows are read."""

    query: PreparedColumns
    read: Reader


class PreparedOne(NamedTuple):
    """A query for one row and how it is read."""

    query: PreparedColumns
    read: RowReader


@lru_cache(64)
def prepared_page(shape: RowShape, page: Page) -> PreparedPage:
    """The query of a page without filters, and how to read any such page."""
    query = PreparedColumns(*page_builder(shape, page, lambda rows: rows))
    return PreparedPage(query, shape.reader(columns_of(shape, page)))


class NarrowedColumns(PreparedColumns):
    """A query that is planned each time, as how many rows pass depends on the filters' values."""

    def fetch(self, **values: object) -> Sequence[Columns]:
        try:
            filled = self.filling(values, connections[self.compiled.db])
        except EmptyResultSet:
            return []
        return self.compiled.fetch(filled, again=False)


@lru_cache(256)
def narrowed_page(
    shape: RowShape, page: Page, kind: type[PageParams], sent: tuple[tuple[str, object], ...]
) -> PreparedColumns:
    """The query of a page with these values of filters `by_value`. Raises 422."""
    filters = kind.model_construct()
    for name, value in sent:
        setattr(filters, name, value)
    return NarrowedColumns(*page_builder(shape, page, filters.narrow))


def page_builder(
    shape: RowShape, page: Page, narrow: Callable[[QuerySet[Model]], QuerySet[Model]]
) -> tuple[Callable[..., ColumnQuery], Parameters]:
    """What builds the query of a page, and its parameters."""
    fields = sort_fields(shape.model, page.names)
    after = {} if page.is_first else {f.name: (f, example_of(f)) for f in fields}

    def build(known: str, **values: Any) -> ColumnQuery:
        last = None if page.is_first else [values[name] for name in page.names]
        rows = narrow(rows_of(shape, values["organization"]))
        return page_query(rows, shape, page, last, values, known)

    return build, {**KEY, **after, "known": (CharField(), f"example {uuid4()}")}


def example_of(field: object) -> object:
    """A value for a sorted column that no other parameter has."""
    if isinstance(field, DateTimeField):
        return datetime(2001, 2, 4, tzinfo=UTC)
    return uuid4() if isinstance(field, UUIDField) else f"example {uuid4()}"


@lru_cache(16)
def prepared_one(shape: RowShape) -> PreparedOne:
    """The query of one row."""

    def build(pk: UUID, **values: Any) -> ColumnQuery:
        rows = rows_of(shape, values["organization"]).filter(pk=pk)
        return ColumnQuery(with_key(shape, rows, values, shape.columns))

    query = PreparedColumns(build, {**KEY, "pk": (UUIDField(), uuid4())})
    return PreparedOne(query, shape.row_reader(("digest", "key_holds", *shape.columns)))
