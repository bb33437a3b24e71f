"""Lists: filters and keyset pagination. The last page is as fast as the first, and rows that are
added or deleted meanwhile neither repeat nor skip others."""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import BooleanField, DateTimeField, F, Func, Model, QuerySet, Value
from django.db.models.lookups import GreaterThan, LessThan
from django.http import HttpRequest
from pydantic import AwareDatetime, BeforeValidator, Field

from sequin_admin.access.models import Findable
from sequin_admin.api.framework.errors import INVALID, ApiError
from sequin_admin.api.framework.schemas import HealthStatus, Strict
from sequin_admin.core.search_language import InvalidFilter
from sequin_admin.core.strict_json import read_json

Row = TypeVar("Row", bound=Model)
Rows = TypeVar("Rows", bound=QuerySet[Model])
METADATA = 'A JSON object, such as {"plan": "pro"}: finds what has all of its pairs.'
SEARCH = (
    'Words and "phrases" that the name contains, all of them, and filters such as `id:1f3a99c2` or '
    "`plan:pro` for a pair of the metadata. A filter that is not valid is refused."
)
SINCE = (
    "Changed at this time or later. Sorted by updated_at, what changes while you read comes again "
    "at the end. A change shows when it is committed: begin a minute before the last one you saw."
)
RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
TEXT_CHARS = 300

Creation = Literal["created_at", "-created_at"]
Times = Literal[Creation, "updated_at", "-updated_at"]
TimesAndName = Literal[Times, "name", "-name"]


def parse_rfc3339(text: str) -> datetime:
    """RFC 3339 only: pydantic alone also takes bare numbers for times. Raises `ValueError`."""
    try:
        if not re.fullmatch(RFC3339, text.upper()):
            raise ValueError("Not as RFC 3339 writes it.")
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (AttributeError, ValueError, OverflowError):
        raise ValueError("Send a time with its zone, such as 2026-11-23T12:00:00Z.") from None


Since = Annotated[AwareDatetime, BeforeValidator(parse_rfc3339)]


class QueryParams(Strict):
    """Query parameters. Unknown ones are refused."""

    @classmethod
    def refuse_unknown(cls, request: HttpRequest) -> None:
        """Raises 422 for unknown parameters: a misspelt filter would find everything."""
        known = {field.alias or name for name, field in cls.model_fields.items()}
        fields = {name: ["This parameter is not known here."] for name in request.GET}
        fields = {name: messages for name, messages in fields.items() if name not in known}
        for name, value in request.GET.items():
            if "\0" in value:
                fields[name] = ["NUL can't be taken."]
        if fields:
            raise ApiError(422, INVALID, fields)


class PageParams(QueryParams):
    """Query parameters of every list."""

    cursor: str = Field(default="", description="`next_cursor` of the page before.")
    limit: int = Field(default=100, ge=1, le=500)

    # Filters that must equal the column of the same name.
    equal: ClassVar[tuple[str, ...]] = ()
    # For a sort key: another column in the same order, which has an index.
    sort_columns: ClassVar[Mapping[str, str]] = {}
    # Filters, besides those, whose condition follows from their value alone: not from the time, nor
    # from other rows. Their query is compiled once.
    by_value: ClassVar[frozenset[str]] = frozenset()
    # Parameters that are no filters.
    shows_all: ClassVar[frozenset[str]] = frozenset(
        {"cursor", "limit", "sort", "truncate_secrets", "purpose"}
    )

    def narrows(self) -> bool:
        """Whether anything was sent that leaves rows out."""
        return not self.model_fields_set <= self.shows_all

    def values(self) -> tuple[tuple[str, object], ...] | None:
        """The filters that were sent, if they are `equal` and `by_value` ones alone."""
        sent = self.model_fields_set - self.shows_all
        known = {*self.equal, *self.by_value}
        return tuple((n, getattr(self, n)) for n in sorted(sent)) if sent <= known else None

    def narrow(self, rows: Rows) -> Rows:
        """The rows that pass every filter that was sent."""
        sent = {name: getattr(self, name) for name in self.equal}
        return rows.filter(**{name: v for name, v in sent.items() if v not in (None, "")})


def search_rows(rows: Findable[Row], text: str) -> Findable[Row]:
    """Raises 422 for a filter that isn't valid: found rows would be too many or none."""
    try:
        return rows.searched(text)
    except InvalidFilter as error:
        message = f"{error.term.text}: {error}"
        raise ApiError(422, "The search is not valid.", {"search": [message]}) from None


class ChangeFilters(PageParams):
    """For lists whose rows can be searched and change."""

    search: str = Field(default="", max_length=TEXT_CHARS, description=SEARCH)
    updated_since: Since | None = Field(default=None, description=SINCE)

    def narrow(self, rows: Any) -> Any:
        rows = super().narrow(rows)
        rows = search_rows(rows, self.search)
        return rows.filter(updated_at__gte=self.updated_since) if self.updated_since else rows


class NamedFilters(ChangeFilters):
    """For lists whose rows also have a name."""

    equal: ClassVar[tuple[str, ...]] = ("name",)

    sort: TimesAndName = "-created_at"
    name: str = Field(default="", max_length=TEXT_CHARS, description="The whole name.")


class HealthFilters(NamedFilters):
    """For lists whose rows also have a health status and metadata."""

    by_value: ClassVar[frozenset[str]] = frozenset({"health_status", "metadata"})

    health_status: HealthStatus | None = Field(default=None, alias="health.status")
    metadata: str = Field(
        default="",
        description=METADATA,
        json_schema_extra={
            "contentMediaType": "application/json",
            "contentSchema": {"type": "object"},
        },
    )

    def narrow(self, rows: Rows) -> Rows:
        found: Rows = super().narrow(rows)
        return filter_by_metadata(filter_by_health(found, self.health_status), self.metadata)


class ProviderFilters(HealthFilters):
    """For lists whose rows also have a provider."""

    equal: ClassVar[tuple[str, ...]] = ("name", "provider")
    by_value: ClassVar[frozenset[str]] = HealthFilters.by_value | {"provider"}

    provider: str = ""


def filter_by_health(rows: Rows, status: HealthStatus | None) -> Rows:
    """Rows with this status. A row that was never probed counts as healthy, as it is shown."""
    if status is None:
        return rows
    return rows.filter(health_status__in=("", status) if status == "healthy" else (status,))


def filter_by_metadata(rows: Rows, text: str) -> Rows:
    """Rows whose metadata has every pair of the JSON object `text`. Raises 422."""
    if not text:
        return rows
    try:
        pairs = read_json(text)
    except ValueError:
        pairs = None
    if not isinstance(pairs, dict):
        message = 'Send a JSON object, such as {"plan": "pro"}.'
        raise ApiError(422, "The metadata filter is not valid.", {"metadata": [message]})
    return rows.filter(metadata__has_pairs=pairs)


def paginate_request(
    request: HttpRequest, filters: Any, rows: QuerySet[Row]
) -> tuple[list[Row], str | None]:
    """The requested page of `rows`, and the cursor of the next one. Raises 422."""
    filters.refuse_unknown(request)
    narrowed: QuerySet[Row] = filters.narrow(rows)
    return paginate(
        narrowed,
        sort=filters.sort,
        cursor=filters.cursor,
        limit=filters.limit,
        column=filters.sort_columns.get(filters.sort.lstrip("-"), ""),
    )


def paginate(
    rows: QuerySet[Row], *, sort: str, cursor: str, limit: int, column: str = ""
) -> tuple[list[Row], str | None]:
    """Up to `limit` rows after `cursor`, and the cursor of the next page, None on the last one."""
    names = sort_names(sort, column)
    last = decode_cursor(cursor, sort, sort_fields(rows.model, names)) if cursor else None
    found = list(rows_after(rows, sort, names, last)[: limit + 1])
    if len(found) <= limit:
        return found, None
    ends_with = [getattr(found[limit - 1], name) for name in names]
    return found[:limit], encode_cursor(sort, ends_with)


def sort_names(sort: str, column: str = "") -> list[str]:
    """The columns to sort by: ties are ordered by id."""
    return list(dict.fromkeys((column or sort.lstrip("-"), "id")))


def sort_fields(model: type[Model], names: Iterable[str]) -> list[Any]:
    return [model._meta.get_field(name) for name in names]


def rows_after(
    rows: QuerySet[Row], sort: str, names: Sequence[str], last: Sequence[object] | None
) -> QuerySet[Row]:
    """The rows in order, those after the values `last` of the columns `names`, if there are any.

    `sort` is a column, or stands for another one in the same order; with `-` it is descending.
    """
    sign, beyond = ("-", LessThan) if sort.startswith("-") else ("", GreaterThan)
    if last is not None:
        fields = sort_fields(rows.model, names)
        pairs = zip(last, fields, strict=True)
        values = [Value(value, output_field=field) for value, field in pairs]
        # One comparison of row values, which can use an index; the same on every database.
        rows = rows.filter(beyond(row_value(*map(F, names)), row_value(*values)))
    return rows.order_by(*(f"{sign}{name}" for name in names))


def row_value(*parts: F | Value) -> Func:
    """`(a, b)`"""
    return Func(*parts, function="", output_field=BooleanField())


def encode_cursor(sort: str, values: Iterable[object]) -> str:
    """The cursor after the row with these values of the sorted columns."""
    texts = [v.isoformat() if isinstance(v, datetime) else str(v) for v in values]
    return base64.urlsafe_b64encode(json.dumps([sort, *texts]).encode()).decode()


def decode_cursor(cursor: str, sort: str, fields: Sequence[Any]) -> list[Any]:
    """The values of `fields` in the last row of the page before. Raises 422."""
    try:
        made_for, *texts = read_json(base64.urlsafe_b64decode(cursor))
        if made_for != sort or not all(isinstance(text, str) for text in texts):
            raise ValueError("The cursor is of another list.")
        return [parse_value(text, field) for text, field in zip(texts, fields, strict=True)]
    except (ValueError, TypeError, ValidationError):
        message = "Take next_cursor from the answer before, with the same sort, or leave it out."
        raise ApiError(422, "The cursor is not one of ours.", {"cursor": [message]}) from None


def parse_value(text: str, field: Any) -> Any:
    value = parse_utc(text) if isinstance(field, DateTimeField) else field.to_python(text)
    field.run_validators(value)
    return value


def parse_utc(text: str) -> datetime:
    """Raises `ValueError` for a time in another zone, or in none."""
    at = datetime.fromisoformat(text)
    if at.utcoffset() != timedelta():
        raise ValueError("Our cursors are in UTC.")
    return at
