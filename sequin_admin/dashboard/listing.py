"""Shared by list pages: query parameters, pagination, and the page or only its partial."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.functional import cached_property

from sequin_admin.access.models import Organization
from sequin_admin.dashboard.access import Request

# Rows of one page, and of all pages of a list.
ROWS, MAX_ROWS = 50, 2000


class Asked(Protocol):
    """Whose rows a list shows, and its filters and order: a request, or what one said before."""

    @property
    def organization(self) -> Organization: ...

    @property
    def GET(self) -> QueryDict: ...


@dataclass(frozen=True)
class AskedBefore:
    """What a request asked that is over."""

    organization: Organization
    GET: QueryDict


def get_query_param(request: Asked, name: str) -> str:
    """A query parameter, stripped and without NUL, which PostgreSQL refuses."""
    return request.GET.get(name, "").replace("\x00", "").strip()


def parse_uuids(texts: Iterable[str]) -> list[UUID]:
    """The valid UUIDs in `texts`; others are ignored."""
    parsed = []
    for text in texts:
        with suppress(ValueError):
            parsed.append(UUID(text))
    return parsed


class Pages(Paginator):  # type: ignore[type-arg]
    """Paginator over the first `MAX_ROWS` rows, so that counting them takes bounded time."""

    object_list: QuerySet[Model]

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by()[:MAX_ROWS].count()

    @property
    def cut_off(self) -> bool:
        """Whether there may be more rows than the pages show."""
        return self.count >= MAX_ROWS


def render_page_or_partial(
    request: Request, template: str, part: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render the page, or for an htmx request `part` (with 200: htmx swaps no other), which is the
    name of a partial in `template`, or the path of a template.

    `Vary` keeps the two apart in the browser's cache, which serves the back button.
    """
    htmx = request.htmx
    only_part = bool(htmx) and not htmx.boosted and not htmx.history_restore_request
    part = part if part.endswith(".html") else f"{template}#{part}"
    response = (
        render(request, part, context)
        if only_part
        else render(request, template, context, status=status)
    )
    patch_vary_headers(response, ["HX-Request", "HX-History-Restore-Request"])
    return response
