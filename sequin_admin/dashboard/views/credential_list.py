"""The list of credentials. Search, filters and order are query parameters."""

from django.db.models import Case, F, Value, When
from django.db.models.expressions import OrderBy
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.listing import (
    Pages,
    get_query_param,
    render_page_or_partial,
)
from sequin_admin.dashboard.views.badges import may_change
from sequin_admin.dashboard.views.credential_filters import (
    FILTER_PARAMS,
    Filter,
    build_filters,
    filter_credentials,
)
from sequin_admin.health.status import SEVERITY

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
        "all_selected": bool(get_query_param(request, "all")),
        "actions": [(reverse(f"dashboard:{name}"), label) for name, label in BULK_ACTIONS],
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
LIST_PARAMS = (*FILTER_PARAMS, "sort")
# Their pages, and what their buttons say.
BULK_ACTIONS = [
    ("connect_links_bulk", "Create reconnect links"),
    ("limits_bulk", "Set a rate limit"),
]
