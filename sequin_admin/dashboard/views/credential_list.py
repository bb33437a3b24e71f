"""The list of credentials. Search, filters and order live in the address bar."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, F, Value, When
from django.http import HttpResponse
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, CredentialQuerySet, OAuthApp
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.listing import Pages, asked, ids, page_or_part
from sequin_admin.dashboard.views.badges import may_change
from sequin_admin.health.status import SEVERITY, Status

ROWS = 50
# Who waits for us comes first, what is disabled last.
WORST_FIRST = Case(
    When(disabled_at__isnull=False, then=Value(len(SEVERITY))),
    *(When(health_status=status, then=Value(rank)) for rank, status in enumerate(SEVERITY)),
    default=Value(len(SEVERITY) - 1),
)
SORTS: dict[str, tuple[Any, ...]] = {
    "newest": ("-created_at", "-id"),
    "name": ("name", "id"),
    "health": (WORST_FIRST, "-created_at", "-id"),
    "checked": (F("checked_at").desc(nulls_last=True), "-id"),
}


@dataclass(frozen=True)
class Filter:
    """One select above the list. `cleared` is the address of the list without this choice."""

    name: str
    label: str
    options: list[tuple[str, str]]
    chosen: str
    cleared: str = ""

    @property
    def said(self) -> str:
        """What was chosen, in words."""
        return dict(self.options).get(self.chosen, self.chosen)


@require_GET
@may(Action.VIEW)
def index(request: Request) -> HttpResponse:
    filters = filters_of(request)
    rows = filtered(request, Credential.objects.of(request.organization))
    listed = rows.select_related("token", "rate_limit").defer("secrets", "token__secrets")
    sort = asked(request, "sort") if asked(request, "sort") in SORTS else "newest"
    page = Pages(listed.order_by(*SORTS[sort]), ROWS).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "polled": [row for row in page if may_change(row)],
        "filters": filters,
        "sort": Filter("sort", "Order", ORDERS, sort),
        "search": asked(request, "q"),
        "narrowed": any(asked(request, name) for name in NARROWING),
    }
    return page_or_part(request, "credentials/index.html", "table", context)


ORDERS = [
    ("newest", "Newest"),
    ("name", "Name"),
    ("health", "Worst health"),
    ("checked", "Last checked"),
]


NARROWING = ("q", "provider", "kind", "health", "oauth_app")


def filtered(request: Request, rows: CredentialQuerySet) -> CredentialQuerySet:
    """Those of `rows` that the address bar asks for."""
    chosen = {name: asked(request, name) for name in NARROWING}
    if chosen["q"]:
        rows = rows.matching(chosen["q"])
    if chosen["provider"]:
        rows = rows.of_provider(chosen["provider"])
    if chosen["kind"]:
        rows = rows.filter(kind=chosen["kind"])
    if chosen["oauth_app"]:
        rows = rows.filter(oauth_app__in=ids([chosen["oauth_app"]]))
    return of_health(rows, chosen["health"]) if chosen["health"] else rows


def of_health(rows: CredentialQuerySet, health: str) -> CredentialQuerySet:
    if health == "disabled":
        return rows.filter(disabled_at__isnull=False)
    return rows.active().filter(health_status="" if health == "unchecked" else health)


def filters_of(request: Request) -> list[Filter]:
    health = [*Status.choices, ("unchecked", "Not checked yet"), ("disabled", "Disabled")]
    offered = {
        "provider": ("Provider", sorted(kinds.providers().items(), key=title)),
        "kind": ("Kind", sorted(kinds.choices(), key=title)),
        "health": ("Health", health),
        "oauth_app": ("OAuth app", chosen_app(request)),
    }
    return [
        Filter(name, label, options, asked(request, name), without(request, name))
        for name, (label, options) in offered.items()
    ]


def chosen_app(request: Request) -> list[tuple[str, str]]:
    """One is chosen on an OAuth app's page; here it can only be kept or removed."""
    own = OAuthApp.objects.of(request.organization).defer("secrets")
    chosen = own.filter(pk__in=ids([asked(request, "oauth_app")]))
    return [(str(app.pk), app.name) for app in chosen]


def without(request: Request, name: str) -> str:
    left = request.GET.copy()
    left.pop(name, None)
    left.pop("page", None)
    return f"{request.path}?{left.urlencode()}"


def title(option: tuple[str, str]) -> str:
    return option[1].lower()
