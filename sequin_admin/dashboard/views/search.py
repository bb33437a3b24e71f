"""The search for everything: a page, and the same answer in the overlay of every page."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.dashboard import palette
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.listing import get_query_param, render_page_or_partial
from sequin_admin.dashboard.recent import list_viewed
from sequin_admin.syncs.search import SearchHit, find_hits, search_everything

# The lists that take the same search.
LISTS = {
    "credential": "credentials",
    "sync": "syncs",
    "target": "targets",
    "consumer": "consumers",
    "stream": "streams",
    "oauth_app": "oauth_apps",
    "connect_link": "connect_links",
}


@dataclass(frozen=True)
class FoundLink:
    """One line of the answer."""

    url: str
    name: str
    detail: str = ""
    provider: str = ""


@dataclass(frozen=True)
class ResultGroup:
    """A group of the answer. `all_url` is the list that has the rest."""

    title: str
    links: list[FoundLink]
    all_url: str = ""


@require_GET
@may(Action.VIEW)
def search(request: Request) -> HttpResponse:
    text = get_query_param(request, "q")
    found = search_everything(request.organization, text)
    sections = (
        [
            ResultGroup(g.title, [*map(link_to, g.hits)], list_url(g.entity, text) * g.has_more)
            for g in found.groups
        ]
        if text
        else viewed_sections(request)
    )
    sections += page_sections(text, request.membership.role)
    context = {
        "search": text,
        "sections": sections,
        "problem": found.problem,
        "problem_at": found.problem_at,
        "count": sum(len(section.links) for section in sections),
    }
    return render_page_or_partial(request, "search/index.html", "found", context)


def link_to(hit: SearchHit) -> FoundLink:
    if hit.entity == "member":
        return FoundLink(reverse("dashboard:members"), hit.name, hit.detail)
    url = reverse(f"dashboard:{hit.entity}", args=[hit.pk])
    return FoundLink(url, hit.name, hit.detail, hit.provider)


def list_url(entity: str, text: str) -> str:
    name = LISTS.get(entity, "")
    return f"{reverse(f'dashboard:{name}')}?{urlencode({'q': text})}" if name else ""


def viewed_sections(request: Request) -> list[ResultGroup]:
    hits = find_hits(request.organization, list_viewed(request))
    return [ResultGroup("Recently viewed", [*map(link_to, hits)])] if hits else []


def page_sections(text: str, role: str) -> list[ResultGroup]:
    groups = (("Pages", palette.list_pages()), ("Actions", palette.ACTIONS))
    found = ((title, palette.find_pages(pages, text, role)) for title, pages in groups)
    return [
        ResultGroup(title, [FoundLink(page.url, page.title) for page in pages])
        for title, pages in found
        if pages
    ]
