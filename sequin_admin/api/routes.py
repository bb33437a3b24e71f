"""Finds the view of an address part by part: a step for each, however many routes there are."""

import re
from collections.abc import Callable, Iterable

from django.http import HttpResponse
from django.urls import URLPattern, URLResolver

View = Callable[..., HttpResponse]
Found = tuple[View, dict[str, str]]
# A part that takes any text; others, which convert it, are left to Django.
PARAMETER = re.compile(r"<([a-z_]+)>")
CONVERTED = re.compile(r"<[a-z]+:")


class Routes:
    """The routes that begin with the same parts. A fixed part goes before a parameter."""

    def __init__(self, routes: Iterable[URLPattern | URLResolver] = ()) -> None:
        self.view: View | None = None
        self.names: list[str] = []
        self.fixed: dict[str, Routes] = {}
        self.parameter: Routes | None = None
        for route in routes:
            address = str(route.pattern)
            if address and isinstance(route, URLPattern) and not CONVERTED.search(address):
                self.add(address, route.callback)

    def add(self, address: str, view: View) -> None:
        branch = self
        for part in address.split("/"):
            if PARAMETER.fullmatch(part):
                branch.parameter = branch = branch.parameter or Routes()
            else:
                branch = branch.fixed.setdefault(part, Routes())
        if branch.view is None:
            branch.view, branch.names = view, PARAMETER.findall(address)

    def find(self, address: str) -> Found | None:
        """The view and its arguments; None where Django has to say what is there."""
        branch, values = self, []
        for part in address.split("/"):
            if (fixed := branch.fixed.get(part)) is not None:
                branch = fixed
            elif part and branch.parameter is not None:
                values.append(part)
                branch = branch.parameter
            else:
                return None
        if branch.view is None:
            return None
        return branch.view, dict(zip(branch.names, values, strict=True))
