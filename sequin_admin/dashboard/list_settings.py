"""What members keep of a list for themselves: views of its query, and which columns it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sequin_admin.access import list_settings
from sequin_admin.dashboard.access import Request
from sequin_admin.dashboard.sorting import Sorting


@dataclass(frozen=True)
class ListColumn:
    """A column that may be hidden. `sort` is its key in the `Sorting` of the list."""

    name: str
    title: str
    sort: str = ""


@dataclass(frozen=True)
class KeptList:
    """A list of which views are saved. `name` is the URL name of its page; a view has no other
    parameters than `params` and `sort`."""

    name: str
    params: tuple[str, ...]
    sorting: Sorting
    columns: tuple[ListColumn, ...] = ()

    def query_of(self, given: Mapping[str, str]) -> str:
        """What a view keeps of these parameters, always in the same order."""
        known = {name: given.get(name, "").replace("\x00", "").strip() for name in self.params}
        sort = given.get("sort", "")
        if sort != self.sorting.default and sort.removeprefix("-") in self.sorting.orders:
            known["sort"] = sort
        return urlencode({name: value for name, value in known.items() if value})

    def context(self, request: Request) -> dict[str, Any]:
        query = self.query_of(request.GET)
        views = list_settings.saved_views(request.membership, self.name)
        columns = self.shown_columns(request)
        return {
            "kept": self,
            "views": views,
            "query": query,
            "current_view": next((view for view in views if view.query == query), None),
            "may_keep": request.membership.staff_access is None,
            "columns": columns,
            "shown": {column.name for column in columns},
        }

    def shown_columns(self, request: Request) -> list[ListColumn]:
        if not self.columns:
            return []
        hidden = list_settings.hidden_columns(request.membership, self.name)
        return [column for column in self.columns if column.name not in hidden]
