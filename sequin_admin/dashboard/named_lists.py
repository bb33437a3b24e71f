"""List pages that extend `components/list_page.html`: search, order, total, CSV."""

from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model
from django.http import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from sequin_admin.access.models import Findable
from sequin_admin.access.policy import Action, allows
from sequin_admin.dashboard.access import Request
from sequin_admin.dashboard.csv_export import Columns, csv_response, wants_csv
from sequin_admin.dashboard.list_settings import KeptList
from sequin_admin.dashboard.listing import ROWS, Pages, get_query_param
from sequin_admin.dashboard.search_chips import search_chips
from sequin_admin.dashboard.sorting import Sorting

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class NamedList:
    """How a list is shown. `name` is the URL name of its page and its folder of templates, and
    `filters` are its parameters besides the search. `adding` is what one must be allowed to do to
    add a row, `add` the URL name of the page for it, by default that of the model, and `article`
    that of its noun.
    """

    name: str
    sorting: Sorting
    csv: Columns
    adding: Action = Action.EDIT
    add: str = ""
    article: str = "a"
    filters: tuple[str, ...] = ()

    @property
    def kept(self) -> KeptList:
        return KeptList(self.name, ("q", *self.filters), self.sorting)

    def render(self, request: Request, rows: Findable[Row], **context: Any) -> HttpResponseBase:
        """The page of the rows that match the search text, or all of these as CSV."""
        search, names = get_query_param(request, "q"), rows.model._meta
        sort = self.sorting.chosen(request)
        found = rows.matching(search).order_by(*self.sorting.order(sort))
        if wants_csv(request):
            return csv_response(str(names.verbose_name_plural), found, self.csv)
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
