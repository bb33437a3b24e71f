"""How many rows came into a list since its page was made, as a part that the page's poll keeps."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from sequin_admin.core import clock
from sequin_admin.dashboard import live
from sequin_admin.dashboard.access import Request
from sequin_admin.dashboard.csv_export import query_of
from sequin_admin.dashboard.listing import Asked, AskedBefore
from sequin_admin.dashboard.live import Current

MOST = 100


@dataclass(frozen=True)
class NewRows:
    """The new rows of a list. `rows` are those that pass its filters, `column` is when one came."""

    name: str
    rows: Callable[[Asked], QuerySet[Any]]
    column: str = "created_at"

    def part(self, request: Request) -> Current:
        """For the page that is made now."""
        query = query_of(request)
        return self.count(0, f"{clock.now().isoformat()}?{query}", query)

    def load(self, request: Request, keys: Sequence[str]) -> Iterator[Current]:
        """A key is the time of the page, and its filters. A page has one list."""
        time, _, query = keys[0].partition("?")
        # OverflowError: in UTC it is before the year 1 or after 9999.
        with suppress(ValueError, OverflowError):
            since = datetime.fromisoformat(time)
            if since.tzinfo is not None:
                rows = self.rows(AskedBefore(request.organization, QueryDict(query)))
                new = rows.filter(**{f"{self.column}__gt": since.astimezone(UTC)}).order_by()[:MOST]
                yield self.count(new.count(), keys[0], query)

    def count(self, count: int, key: str, query: str) -> Current:
        context = {"count": count, "most": MOST, "query": query}
        return Current(f"new_{self.name}", key, state=count, context=context)


def keep_new_rows(
    name: str, rows: Callable[[Asked], QuerySet[Any]], column: str = "created_at"
) -> NewRows:
    """Let the poll of the list's page count them: its context has `new_rows`, their part."""
    found = NewRows(name, rows, column)
    live.register(f"new_{name}", "components/new_rows.html")(found.load)
    return found
