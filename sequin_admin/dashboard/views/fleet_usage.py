"""Usage across the fleet: what share of its limit each credential used lately."""

from operator import attrgetter

from django.db.models import Case, F, Q, When
from django.http import HttpResponseBase
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.csv_export import Columns
from sequin_admin.dashboard.listing import Asked, get_query_param
from sequin_admin.dashboard.named_lists import NamedList
from sequin_admin.dashboard.sorting import Sorting
from sequin_admin.dashboard.views.credential_filters import Filter
from sequin_admin.limits.models import UsageSummary, UsageSummaryQuerySet, get_rate_limit
from sequin_admin.limits.summaries import FIELDS
from sequin_admin.limits.usage import NEAR_LIMIT_SHARE

CSV: Columns = {
    "credential_id": lambda row: row.credential_id,
    "name": lambda row: row.credential.name,
    "provider": lambda row: row.credential.provider,
    "kind": lambda row: row.credential.kind,
    "limit": lambda row: get_rate_limit(row.credential),
    **{name: attrgetter(name) for name in FIELDS},
    "resets_at": lambda row: row.next_reset,
    "summed_at": lambda row: row.summed_at,
}
SORTING = Sorting(
    {
        "hour": ("hour_share", "id"),
        "day": ("day_share", "id"),
        "refused": ("day_refused", "id"),
        "throttled": ("day_throttled", "id"),
        "reset": ("resets_at", "id"),
    },
    "-hour",
)
USES = {
    "near": ("Near its limit", Q(hour_share__gte=NEAR_LIMIT_SHARE)),
    "used": ("Used today", Q(day_granted__gt=0)),
    "refused": ("Refused today", Q(day_refused__gt=0)),
    "throttled": ("Throttled today", Q(day_throttled__gt=0)),
}


def list_rows(asked: Asked) -> UsageSummaryQuerySet:
    rows = UsageSummary.objects.of(asked.organization).filter(credential__disabled_at=None)
    return annotate_rows(narrow(asked, rows))


def annotate_rows(rows: UsageSummaryQuerySet) -> UsageSummaryQuerySet:
    """With `next_reset`, which is null when it is over, and all that a row shows."""
    reset = Case(When(resets_at__gt=clock.now(), then=F("resets_at")))
    shown = rows.select_related("credential__rate_limit").defer("credential__secrets")
    return shown.annotate(next_reset=reset)


def narrow(request: Asked, rows: UsageSummaryQuerySet) -> UsageSummaryQuerySet:
    provider, use = get_query_param(request, "provider"), get_query_param(request, "use")
    if provider:
        rows = rows.filter(provider=provider)
    if SORTING.chosen(request) == "reset":
        # Those without a pending one would come first.
        rows = rows.filter(resets_at__gt=clock.now())
    return rows.filter(USES[use][1]) if use in USES else rows


LIST = NamedList(
    "fleet_usage",
    list_rows,
    SORTING,
    CSV,
    add="providers",
    filters=("provider", "use"),
)


@require_GET
@may(Action.VIEW)
def fleet_usage(request: Request) -> HttpResponseBase:
    filters = build_filters(request)
    answer: HttpResponseBase = LIST.render(
        request,
        noun="credential",
        nouns="credentials",
        add_words="Connect an account",
        filters=filters,
        **({"narrowed": True} if any(each.chosen for each in filters) else {}),
    )
    return answer


def build_filters(request: Request) -> list[Filter]:
    offered = {
        "provider": ("Provider", kinds.providers_by_title()),
        "use": ("Use", [(name, words) for name, (words, _) in USES.items()]),
    }
    return [
        Filter(name, label, options, get_query_param(request, name))
        for name, (label, options) in offered.items()
    ]
