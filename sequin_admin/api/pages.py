"""Lists: filters, and keyset pagination: the last page is as quick as the first, and rows may
come and go."""

import base64
import json
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.db.models.fields.json import KeyTransform
from django.http import HttpRequest
from pydantic import Field

from sequin_admin.api.errors import INVALID, ApiError
from sequin_admin.api.schemas import HealthStatus, Strict
from sequin_admin.core.strict_json import read_json

Row = TypeVar("Row", bound=Model)
METADATA = 'A JSON object, such as {"plan": "pro"}: finds what has all of its pairs.'


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


class Window(Paged):
    """Those of lists whose rows have a health."""

    health_status: HealthStatus | None = Field(default=None, alias="health.status")
    metadata: str = Field(default="", description=METADATA)


class Listing(Window):
    """Those of lists whose rows have a provider, too."""

    provider: str = ""


def of_health(rows: QuerySet[Row], status: HealthStatus | None) -> QuerySet[Row]:
    """What was never probed counts as healthy, as it is shown."""
    if status is None:
        return rows
    return rows.filter(health_status__in=("", status) if status == "healthy" else (status,))


def with_metadata(rows: QuerySet[Row], text: str) -> QuerySet[Row]:
    """Rows whose metadata has every pair of the JSON object `text`. Works on SQLite too."""
    if not text:
        return rows
    try:
        pairs = read_json(text)
    except ValueError:
        pairs = None
    if not isinstance(pairs, dict):
        said = 'Send a JSON object, such as {"plan": "pro"}.'
        raise ApiError(422, "The metadata filter is not valid.", {"metadata": [said]})
    for number, (key, value) in enumerate(pairs.items()):
        rows = rows.alias(**{f"meta{number}": KeyTransform(key, "metadata")})
        rows = rows.filter(**{f"meta{number}": value})
    return rows


def page_of(
    rows: QuerySet[Row], *, sort: str, cursor: str, limit: int
) -> tuple[list[Row], str | None]:
    """Up to `limit` rows after `cursor`, and the cursor of the next page, None on the last one.

    `sort` is a column, with `-` for descending; ties are told apart by id.
    """
    descending, column = sort.startswith("-"), sort.lstrip("-")
    if cursor:
        rows = rows.filter(after(column, *read(cursor, sort, rows.model), descending=descending))
    sign = "-" if descending else ""
    found = list(rows.order_by(sort, f"{sign}id")[: limit + 1])
    more = found[limit:]
    return found[:limit], write(sort, found[limit - 1], column) if more else None


def after(column: str, value: Any, pk: Any, *, descending: bool) -> Q:
    way = "lt" if descending else "gt"
    return Q(**{f"{column}__{way}": value}) | Q(**{column: value, f"id__{way}": pk})


def write(sort: str, row: Model, column: str) -> str:
    value = getattr(row, column)
    text = value.isoformat() if hasattr(value, "isoformat") else value
    return base64.urlsafe_b64encode(json.dumps([sort, text, str(row.pk)]).encode()).decode()


def read(cursor: str, sort: str, model: type[Model]) -> tuple[Any, Any]:
    try:
        made_for, value, pk = read_json(base64.urlsafe_b64decode(cursor))
        if made_for != sort or not (isinstance(value, str) and isinstance(pk, str)):
            raise ValueError("The cursor is of another list.")
        known = model._meta.pk.to_python(pk)
        return moment(value) if sort.endswith("_at") else value, known
    except (ValueError, TypeError, AttributeError, ValidationError):
        said = "Take next_cursor from the answer before, with the same sort, or leave it out."
        raise ApiError(422, "The cursor is not one of ours.", {"cursor": [said]}) from None


def moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.utcoffset() != timedelta():
        raise ValueError("Our cursors are in UTC.")
    return at
