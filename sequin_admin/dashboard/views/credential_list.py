"""The list of credentials. Search, filters and order are query parameters."""

from dataclasses import dataclass

from django.db.models import Case, F, Value, When
from django.db.models.expressions import OrderBy
from django.http import HttpResponse
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, CredentialQuerySet, OAuthApp
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.listing import (
    Pages,
    get_query_param,
    parse_uuids,
    render_page_or_partial,
)
from sequin_admin.dashboard.views.badges import may_change
from sequin_admin.health.status import SEVERITY, Status

ROWS = 50
# By severity, worst first; disabled ones last.
WORST_FIRST = Case(
    When(disabled_at__isnull=False, then=Value(len(SEVERITY))),
    *(When(health_status=status, then=Value(rank)) for rank, status in enumerate(SEVERITY)),
    default=Value(len(SEVERITY) - 1),
)
SORTS: dict[str, tuple[str | Case | OrderBy, ...]] = {
    "newest": ("-created_at", "-id"),
    "name": ("name", "id"),
    "health": (WORST_FIRST, "-created_at", "-id"),
    "checked": (F("checked_at").desc(nulls_last=True), "-id"),
}


@dataclass(frozen=True)
class Filter:
    """One select above the list. `cleared` is the URL of the list without this filter."""

    name: str
    label: str
    options: list[tuple[str, str]]
    chosen: str
    cleared: str = ""

    @property
    def chosen_label(self) -> str:
        return dict(self.options).get(self.chosen, self.chosen)


@require_GET
@may(Action.VIEW)
def index(request: Request) -> HttpResponse:
    filters = build_filters(request)
    rows = filter_credentials(request, Credential.objects.of(request.organization))
    listed = rows.select_related("token", "rate_limit").defer("secrets", "token__secrets")
    sort = (
        get_query_param(request, "sort") if get_query_param(request, "sort") in SORTS else "newest"
    )
    page = Pages(listed.order_by(*SORTS[sort]), ROWS).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "polled": [row for row in page if may_change(row)],
        "filters": filters,
        "list_params": [(n, v) for n, v in request.GET.items() if v and n in LIST_PARAMS],
        "sort": Filter("sort", "Order", ORDERS, sort),
        "search": get_query_param(request, "q"),
        "narrowed": any(get_query_param(request, name) for name in FILTER_PARAMS),
    }
    return render_page_or_partial(request, "credentials/index.html", "table", context)


ORDERS = [
    ("newest", "Newest"),
    ("name", "Name"),
    ("health", "Worst health"),
    ("checked", "Last checked"),
]


FILTER_PARAMS = ("q", "provider", "kind", "health", "oauth_app")
LIST_PARAMS = (*FILTER_PARAMS, "sort")


def filter_credentials(request: Request, rows: CredentialQuerySet) -> CredentialQuerySet:
    """`rows` filtered by the query parameters."""
    chosen = {name: get_query_param(request, name) for name in FILTER_PARAMS}
    if chosen["q"]:
        rows = rows.matching(chosen["q"])
    if chosen["provider"]:
        rows = rows.of_provider(chosen["provider"])
    if chosen["kind"]:
        rows = rows.filter(kind=chosen["kind"])
    if chosen["oauth_app"]:
        rows = rows.filter(oauth_app__in=parse_uuids([chosen["oauth_app"]]))
    return filter_by_health(rows, chosen["health"]) if chosen["health"] else rows


def filter_by_health(rows: CredentialQuerySet, health: str) -> CredentialQuerySet:
    if health == "disabled":
        return rows.filter(disabled_at__isnull=False)
    return rows.active().filter(health_status="" if health == "unchecked" else health)


def build_filters(request: Request) -> list[Filter]:
    health = [*Status.choices, ("unchecked", "Not checked yet"), ("disabled", "Disabled")]
    offered = {
        "provider": ("Provider", sorted(kinds.providers().items(), key=title)),
        "kind": ("Kind", sorted(kinds.choices(), key=title)),
        "health": ("Health", health),
        "oauth_app": ("OAuth app", list_selected_app(request)),
    }
    return [
        Filter(
            name, label, options, get_query_param(request, name), url_without_param(request, name)
        )
        for name, (label, options) in offered.items()
    ]


def list_selected_app(request: Request) -> list[tuple[str, str]]:
    """The app in the query, as the only option: an app is chosen on its own page."""
    apps = OAuthApp.objects.of(request.organization).defer("secrets")
    chosen = apps.filter(pk__in=parse_uuids([get_query_param(request, "oauth_app")]))
    return [(str(app.pk), app.name) for app in chosen]


def url_without_param(request: Request, name: str) -> str:
    left = request.GET.copy()
    left.pop(name, None)
    left.pop("page", None)
    return f"{request.path}?{left.urlencode()}"


def title(option: tuple[str, str]) -> str:
    return option[1].lower()
