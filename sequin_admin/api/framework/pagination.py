"""Lists: filters, and keyset pagination: the last page is as quick as the first, and rows may
come and go."""

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

from sequin_admin.api.framework.errors import INVALID, ApiError
from sequin_admin.api.schemas import HealthStatus, Strict
from sequin_admin.core.strict_json import read_json

Row = TypeVar("Row", bound=Model)
METADATA = 'A JSON object, such as {"plan": "pro"}: finds what has all of its pairs.'
SINCE = (
    "Changed at this time or later. Sorted by updated_at, what changes while you read comes again "
    "at the end. A change shows when it is committed: begin a minute before the last one you saw."
)
RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
TEXT_CHARS = 300

Creation = Literal["created_at", "-created_at"]
Times = Literal[Creation, "updated_at", "-updated_at"]
TimesAndName = Literal[Times, "name", "-name"]


def utc(text: Any) -> datetime:
    """RFC 3339 only: pydantic alone takes bare numbers for times, too."""
    try:
        if not re.fullmatch(RFC3339, text.upper()):
            raise ValueError("Not as RFC 3339 writes it.")
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (AttributeError, ValueError, OverflowError):
        raise ValueError("Send a time with its zone, such as 2026-11-23T12:00:00Z.") from None


Since = Annotated[AwareDatetime, BeforeValidator(utc)]


class Known(Strict):
    """Query parameters of which no others are taken."""

    @classmethod
    def refuse_unknown(cls, request: HttpRequest) -> None:
        """Raises 422 for parameters that are none of ours: a misspelt filter finds everything."""
        known = {field.alias or name for name, field in cls.model_fields.items()}
        fields = {name: ["This parameter is not known here."] for name in request.GET}
        fields = {name: said for name, said in fields.items() if name not in known}
        for name, value in request.GET.items():
            if "\0" in value:
                fields[name] = ["NUL can't be taken."]
        if fields:
            raise ApiError(422, INVALID, fields)


class Paged(Known):
    """Query parameters of every list."""

    cursor: str = Field(default="", description="`next_cursor` of the page before.")
    limit: int = Field(default=100, ge=1, le=500)

    # Those that a row's column of the same name must equal.
    equal: ClassVar[tuple[str, ...]] = ()
    # Sorts that go by another column, which rises and falls with theirs and has an index.
    same_order: ClassVar[Mapping[str, str]] = {}

    def narrow(self, rows: Any) -> Any:
        """Those of the rows that pass every filter that was sent."""
        sent = {name: getattr(self, name) for name in self.equal}
        return rows.filter(**{name: v for name, v in sent.items() if v not in (None, "")})


class Changing(Paged):
    """Those of lists whose rows are searched, and change."""

    search: str = Field(default="", max_length=TEXT_CHARS, description="Part of the name.")
    updated_since: Since | None = Field(default=None, description=SINCE)

    def narrow(self, rows: Any) -> Any:
        rows = super().narrow(rows)
        rows = rows.matching(self.search) if self.search else rows
        return rows.filter(updated_at__gte=self.updated_since) if self.updated_since else rows


class NamedFilters(Changing):
    """Those of lists whose rows have a name, too."""

    equal: ClassVar[tuple[str, ...]] = ("name",)

    sort: TimesAndName = "-created_at"
    name: str = Field(default="", max_length=TEXT_CHARS, description="The whole name.")


class PageParams(NamedFilters):
    """Those of lists whose rows have a health, too."""

    health_status: HealthStatus | None = Field(default=None, alias="health.status")
    metadata: str = Field(
        default="",
        description=METADATA,
        json_schema_extra={
            "contentMediaType": "application/json",
            "contentSchema": {"type": "object"},
        },
    )

    def narrow(self, rows: Any) -> Any:
        return with_metadata(of_health(super().narrow(rows), self.health_status), self.metadata)


class Listing(PageParams):
    """Those of lists whose rows have a provider, too."""

    equal: ClassVar[tuple[str, ...]] = ("name", "provider")

    provider: str = ""


def of_health(rows: QuerySet[Row], status: HealthStatus | None) -> QuerySet[Row]:
    """What was never probed counts as healthy, as it is shown."""
    if status is None:
        return rows
    return rows.filter(health_status__in=("", status) if status == "healthy" else (status,))


def with_metadata(rows: QuerySet[Row], text: str) -> QuerySet[Row]:
    """Rows whose metadata has every pair of the JSON object `text`."""
    if not text:
        return rows
    try:
        pairs = read_json(text)
    except ValueError:
        pairs = None
    if not isinstance(pairs, dict):
        said = 'Send a JSON object, such as {"plan": "pro"}.'
        raise ApiError(422, "The metadata filter is not valid.", {"metadata": [said]})
    return rows.filter(metadata__has_pairs=pairs)


def asked_page(
    request: HttpRequest, filters: Any, rows: QuerySet[Row]
) -> tuple[list[Row], str | None]:
    """The page of `rows` that a request asks for, and the next one's cursor."""
    filters.refuse_unknown(request)
    narrowed: QuerySet[Row] = filters.narrow(rows)
    return page_of(
        narrowed,
        sort=filters.sort,
        cursor=filters.cursor,
        limit=filters.limit,
        column=filters.same_order.get(filters.sort.lstrip("-"), ""),
    )


def page_of(
    rows: QuerySet[Row], *, sort: str, cursor: str, limit: int, column: str = ""
) -> tuple[list[Row], str | None]:
    """Up to `limit` rows after `cursor`, and the cursor of the next page, None on the last one.

    `sort` is a column, or stands for another `column` in the same order; with `-` it is descending.
    Ties are told apart by id.
    """
    sign, beyond = ("-", LessThan) if sort.startswith("-") else ("", GreaterThan)
    names = list(dict.fromkeys((column or sort.lstrip("-"), "id")))
    if cursor:
        fields: list[Any] = [rows.model._meta.get_field(name) for name in names]
        last = [
            Value(value, output_field=field)
            for value, field in zip(decode_cursor(cursor, sort, fields), fields, strict=True)
        ]
        # As one comparison of rows, which an index answers; alike on every database.
        rows = rows.filter(beyond(in_a_row(*map(F, names)), in_a_row(*last)))
    found = list(rows.order_by(*(f"{sign}{name}" for name in names))[: limit + 1])
    more = found[limit:]
    return found[:limit], encode_cursor(sort, found[limit - 1], names) if more else None


def in_a_row(*parts: F | Value) -> Func:
    """`(a, b)`"""
    return Func(*parts, function="", output_field=BooleanField())


def encode_cursor(sort: str, row: Model, names: Iterable[str]) -> str:
    values = (getattr(row, name) for name in names)
    texts = [v.isoformat() if isinstance(v, datetime) else str(v) for v in values]
    return base64.urlsafe_b64encode(json.dumps([sort, *texts]).encode()).decode()


def decode_cursor(cursor: str, sort: str, fields: Sequence[Any]) -> list[Any]:
    try:
        made_for, *texts = read_json(base64.urlsafe_b64decode(cursor))
        if made_for != sort or not all(isinstance(text, str) for text in texts):
            raise ValueError("The cursor is of another list.")
        return [value_of(text, field) for text, field in zip(texts, fields, strict=True)]
    except (ValueError, TypeError, ValidationError):
        said = "Take next_cursor from the answer before, with the same sort, or leave it out."
        raise ApiError(422, "The cursor is not one of ours.", {"cursor": [said]}) from None


def value_of(text: str, field: Any) -> Any:
    value = moment(text) if isinstance(field, DateTimeField) else field.to_python(text)
    field.run_validators(value)
    return value


def moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.utcoffset() != timedelta():
        raise ValueError("Our cursors are in UTC.")
    return at
