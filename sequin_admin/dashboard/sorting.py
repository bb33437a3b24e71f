"""The order of a list: a whitelist of keys, each of which may be reversed with `-`."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import F, Func
from django.db.models.expressions import OrderBy

from sequin_admin.dashboard.listing import Asked, get_query_param

Order = tuple[str | Func | OrderBy, ...]


@dataclass(frozen=True)
class Sorting:
    """The orders of a list by key. Each ends with a unique column, so that pages don't overlap."""

    orders: Mapping[str, Order]
    default: str

    def chosen(self, request: Asked) -> str:
        """The key of the query, perhaps reversed; the default for an unknown one."""
        key = get_query_param(request, "sort")
        return key if key.removeprefix("-") in self.orders else self.default

    def order(self, chosen: str) -> list[OrderBy]:
        parts = [order_by(part) for part in self.orders[chosen.removeprefix("-")]]
        if chosen.startswith("-"):
            for part in parts:
                part.reverse_ordering()
        return parts


def order_by(part: str | Func | OrderBy) -> OrderBy:
    """A new one: a reversed order changes itself."""
    if isinstance(part, OrderBy):
        return part.copy()
    if isinstance(part, str):
        return OrderBy(F(part.removeprefix("-")), descending=part.startswith("-"))
    return OrderBy(part)
