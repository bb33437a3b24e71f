"""The list of credentials. Search, filters and order are query parameters."""

import json

from django.http import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.core.monitored import TimeOrNever, WorstFirst
from sequin_admin.credentials.models import Credential, CredentialQuerySet
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.csv_export import Columns, CsvList, csv_response, wants_csv
from sequin_admin.dashboard.list_settings import KeptList, ListColumn
from sequin_admin.dashboard.listing import Asked, Pages, get_query_param, render_page_or_partial
from sequin_admin.dashboard.new_rows import keep_new_rows
from sequin_admin.dashboard.search_chips import search_chips
from sequin_admin.dashboard.sorting import Sorting
from sequin_admin.dashboard.views.credential_filters import (
    FILTER_PARAMS,
    Filter,
    build_filters,
    filter_credentials,
)

ROWS = 50
SORTING = Sorting(
    {
        "newest": ("-created_at", "-id"),
        "name": ("name", "id"),
        "kind": ("kind", "id"),
        "health": (WorstFirst("disabled_at", "health_status"), "-created_at", "-id"),
        "checked": (TimeOrNever("checked_at").desc(), "-id"),
    },
    "newest",
)
KEPT = KeptList(
    "credentials",
    FILTER_PARAMS,
    SORTING,
    (
        ListColumn("kind", "Kind", "kind"),
        ListColumn("health", "Health", "health"),
        ListColumn("token", "Token"),
        ListColumn("limit", "Limit"),
        ListColumn("checked", "Checked", "checked"),
    ),
)


@require_GET
@may(Action.VIEW)
def index(request: Request) -> HttpResponseBase:
    if wants_csv(request):
        return csv_response(request, CSV)
    search, sort = get_query_param(request, "q"), SORTING.chosen(request)
    page = Pages(list_rows(request), ROWS).get_page(request.GET.get("page"))
    context = {
        **KEPT.context(request),
        "page": page,
        "new_rows": NEW_ROWS.part(request),
        "filters": build_filters(request),
        "list_params": [(n, v) for n, v in request.GET.items() if v and n in LIST_PARAMS],
        "all_selected": bool(get_query_param(request, "all")),
        "actions": [(reverse(f"dashboard:{name}"), label) for name, label in BULK_ACTIONS],
        "sort": Filter("sort", "Order", ORDERS, sort),
        "sorted_by": sort,
        "search": search,
        "chips": search_chips(request, Credential.objects.all(), search),
        "narrowed": any(get_query_param(request, name) for name in FILTER_PARAMS),
    }
    return render_page_or_partial(request, "credentials/index.html", "table", context)


def list_rows(request: Asked) -> CredentialQuerySet:
    """The rows that pass the filters, in the order that was asked for."""
    rows = filter_credentials(request, Credential.objects.of(request.organization))
    listed = rows.select_related("token", "rate_limit").defer("secrets", "token__secrets")
    return listed.order_by(*SORTING.order(SORTING.chosen(request)))


CSV_COLUMNS: Columns = {
    "id": lambda row: row.pk,
    "name": lambda row: row.name,
    "account": lambda row: row.describe(),
    "provider": lambda row: row.provider,
    "kind": lambda row: row.kind,
    "status": lambda row: "disabled" if row.disabled_at else row.health_status or "unchecked",
    "since": lambda row: row.health_since,
    "checked_at": lambda row: row.checked_at,
    "created_at": lambda row: row.created_at,
    "metadata": lambda row: json.dumps(row.metadata, ensure_ascii=False),
}
CSV = CsvList("credentials", list_rows, CSV_COLUMNS)
NEW_ROWS = keep_new_rows("credentials", list_rows)
ORDERS = [
    ("newest", "Newest"),
    ("-newest", "Oldest"),
    ("name", "Name"),
    ("-name", "Name, from Z"),
    ("kind", "Kind"),
    ("-kind", "Kind, from Z"),
    ("health", "Worst health"),
    ("-health", "Best health"),
    ("checked", "Last checked"),
    ("-checked", "Longest not checked"),
]
LIST_PARAMS = (*FILTER_PARAMS, "sort")
# Their pages, and what their buttons say.
BULK_ACTIONS = [
    ("connect_links_bulk", "Create reconnect links"),
    ("limits_bulk", "Set a rate limit"),
]
