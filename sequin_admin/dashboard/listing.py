"""What list pages share: what was asked for, and the page or only its table."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.functional import cached_property

from sequin_admin.dashboard.access import Request

MOST = 2000


def asked(request: Request, name: str) -> str:
    """A query parameter as text that a database takes: PostgreSQL refuses NUL."""
    return request.GET.get(name, "").replace("\x00", "").strip()


def ids(texts: Iterable[str]) -> list[UUID]:
    """Those of `texts` that are ids at all."""
    known = []
    for text in texts:
        with suppress(ValueError):
            known.append(UUID(text))
    return known


class Pages(Paginator):  # type: ignore[type-arg]
    """Pages of at most the first `MOST` rows: however many there are, counting them is quick.

    Who looks further down than that is quicker with a filter.
    """

    object_list: QuerySet[Any]

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by()[:MOST].count()

    @property
    def cut_off(self) -> bool:
        """Whether there may be more rows than pages for them."""
        return self.count >= MOST


def page_or_part(
    request: Request, template: str, part: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """The whole page, or for htmx the named part of it (with 200: htmx swaps nothing else).

    Going back in the browser asks for the whole page, and its cache must not mix up the two.
    """
    htmx = request.htmx
    alone = bool(htmx) and not htmx.boosted and not htmx.history_restore_request
    response = (
        render(request, f"{template}#{part}", context)
        if alone
        else render(request, template, context, status=status)
    )
    patch_vary_headers(response, ["HX-Request", "HX-History-Restore-Request"])
    return response
