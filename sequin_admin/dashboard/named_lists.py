"""List pages that extend `components/list_page.html`: search, order, total, CSV."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from sequin_admin.access.models import Findable
from sequin_admin.access.policy import Action, allows
from sequin_admin.dashboard.access import Request
from sequin_admin.dashboard.csv_export import Columns, CsvList, csv_response, wants_csv
from sequin_admin.dashboard.list_settings import KeptList
from sequin_admin.dashboard.listing import ROWS, Asked, Pages, get_query_param
from sequin_admin.dashboard.search_chips import search_chips
from sequin_admin.dashboard.sorting import Sorting


@dataclass(frozen=True)
class NamedList:
    """How a list is shown. `name` is the URL name of its page and its folder of templates, `rows`
    are those that pass its `filters`, its parameters besides the search. `adding` is what one must
    be allowed to do to add a row, `add` the URL name of the page for it, by default that of the
    model, and `article` that of its noun.
    """

    name: str
    rows: Callable[[Asked], Findable[Any]]
    sorting: Sorting
    columns: Columns
    adding: Action = Action.EDIT
    add: str = ""
    article: str = "a"
    filters: tuple[str, ...] = ()

    @property
    def kept(self) -> KeptList:
        return KeptList(self.name, ("q", *self.filters), self.sorting)

    @property
    def csv(self) -> CsvList:
        return CsvList(self.name, self.found, self.columns)

    def found(self, asked: Asked) -> QuerySet[Model]:
        """The rows that match the search text, in order."""
        rows = self.rows(asked).matching(get_query_param(asked, "q"))
        return rows.order_by(*self.sorting.order(self.sorting.chosen(asked)))

    def render(self, request: Request, **context: Any) -> HttpResponseBase:
        """The page of the rows that match the search text, or all of these as CSV."""
        if wants_csv(request):
            return csv_response(request, self.csv)
        search, sort = get_query_param(request, "q"), self.sorting.chosen(request)
        rows, found = self.rows(request), self.found(request)
        names = rows.model._meta
        may_add = allows(request.membership.role, self.adding)
        add = f"dashboard:{self.add or f'{names.model_name}_new'}"
        shown = {
            **self.kept.context(request),
            "page": Pages(found, ROWS).get_page(request.GET.get("page")),
            "search": search,
            "chips": search_chips(request, rows, search),
            "sorted_by": sort,
            "narrowed": bool(search),
            "noun": names.verbose_name,
            "nouns": names.verbose_name_plural,
            "add_url": reverse(add) if may_add else "",
            "add_words": f"Add {self.article} {names.verbose_name}",
        }
        return render(request, f"{self.name}/index.html", {**shown, **context})
