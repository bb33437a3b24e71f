"""The terms of a search as chips above its list."""

from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from django.db.models import Model

from sequin_admin.access.models import Findable
from sequin_admin.core.search_language import InvalidFilter, Term, parse_search, without_term
from sequin_admin.dashboard.access import Request

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Chip:
    """One word or filter. `cleared` is the address of the list without it; `problem` is the
    sentence when no row can pass it."""

    text: str
    cleared: str
    problem: str = ""


def search_chips(request: Request, rows: Findable[Row], search: str) -> list[Chip]:
    kept = [(n, v) for n, v in request.GET.items() if n not in ("q", "page")]
    chips = []
    for term in parse_search(search):
        left = without_term(search, term)
        query = urlencode([*([("q", left)] if left else []), *kept])
        chips.append(Chip(term.text, f"{request.path}?{query}", problem_of(rows, term)))
    return chips


def problem_of(rows: Findable[Row], term: Term) -> str:
    try:
        rows.condition_of(term)
    except InvalidFilter as error:
        return str(error)
    return ""
