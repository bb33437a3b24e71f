"""The audit log: who did what, when."""

import json
from operator import attrgetter
from typing import Any

from django.http import HttpResponseBase
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.audit.models import Event, EventQuerySet
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.csv_export import Columns, CsvList, csv_response, wants_csv
from sequin_admin.dashboard.event_words import describe_details
from sequin_admin.dashboard.list_settings import KeptList
from sequin_admin.dashboard.listing import Asked, Pages, get_query_param, render_page_or_partial
from sequin_admin.dashboard.periods import PRESETS, PeriodForm
from sequin_admin.dashboard.sorting import Sorting

ROWS = 50
# The pickers offer what the latest events name.
LATEST, OFFERED = 2000, 200
# Query parameters and how they match. `id` finds an object whatever it was called at the time.
LOOKUPS = {
    "actor": "actor__icontains",
    "action": "action",
    "target": "target__icontains",
    "id": "target_id",
}
# The page of an object, by what the log calls its type.
PAGES = {"oauthapp": "oauth_app", "apikey": "api_key", "connectlink": "connect_link"}
CSV_COLUMNS: Columns = {
    "id": lambda event: event.pk,
    **{name: attrgetter(name) for name in ("at", "actor", "actor_type", "actor_id", "action")},
    **{name: attrgetter(name) for name in ("target", "target_type", "target_id")},
    **{name: attrgetter(name) for name in ("address", "user_agent")},
    "changes": lambda event: "; ".join(describe_details(event.details)),
    "details": lambda event: json.dumps(event.details, ensure_ascii=False),
}


@require_GET
@may(Action.VIEW)
def index(request: Request) -> HttpResponseBase:
    if wants_csv(request):
        return csv_response(request, CSV)
    events = Event.objects.of(request.organization.pk)
    chosen, period = choices_of(request), period_of(request)
    page = Pages(list_rows(request), ROWS).get_page(request.GET.get("page"))
    context = {
        **KEPT.context(request),
        "page": page,
        "chosen": chosen,
        "period": period,
        "presets": {name: preset[0] for name, preset in PRESETS.items()},
        "about": find_object(events.filter(target_id=chosen["id"])) if chosen["id"] else None,
        # For the link of each row, which narrows the log to its object.
        "others": others_than_object(request),
        "narrowed": any((*chosen.values(), *period.data.values())),
        # Queried by the page alone: the table, which htmx asks for, has no pickers.
        "offered": SimpleLazyObject(lambda: list_choices(events)),
    }
    return render_page_or_partial(request, "audit/index.html", "table", context)


def others_than_object(request: Request) -> str:
    """`&actor=ann&when=today`: the other parameters of the page's query, or ""."""
    query = request.GET.copy()
    for name in ("id", "page"):
        query.pop(name, None)
    return f"&{query.urlencode()}" if query else ""


def choices_of(asked: Asked) -> dict[str, str]:
    return {name: get_query_param(asked, name) for name in LOOKUPS}


def period_of(asked: Asked) -> PeriodForm:
    return PeriodForm({name: get_query_param(asked, name) for name in PeriodForm.base_fields})


def list_rows(asked: Asked) -> EventQuerySet:
    """The events that pass the filters, the newest first."""
    events = Event.objects.of(asked.organization.pk)
    return narrow(events, choices_of(asked), period_of(asked))


CSV = CsvList("audit", list_rows, CSV_COLUMNS)
# The log has one order: that in which it was written.
KEPT = KeptList("audit", (*LOOKUPS, *PeriodForm.base_fields), Sorting({}, ""))


def narrow(events: EventQuerySet, chosen: dict[str, str], period: PeriodForm) -> EventQuerySet:
    """Without an event when the period is wrong: a log that shows others would mislead."""
    if not period.is_valid():
        return events.none()
    events = events.filter(**{LOOKUPS[name]: text for name, text in chosen.items() if text})
    if period.begins or period.ends:
        # In the order of the index that finds them.
        events = events.order_by("-at", "-id")
    events = events.filter(at__gte=period.begins) if period.begins else events
    return events.filter(at__lt=period.ends) if period.ends else events


def list_choices(events: EventQuerySet) -> dict[str, Any]:
    """The actions, actors and objects of the latest events, each sorted."""
    names = {"actions": "action", "actors": "actor", "targets": "target"}
    rows = list(events.values(*names.values())[:LATEST])
    return {plural: sorted({row[name] for row in rows})[:OFFERED] for plural, name in names.items()}


def find_object(events: EventQuerySet) -> dict[str, str]:
    """What the object is called by the latest of its events, and its page unless it is deleted."""
    event = events.first()
    if event is None:
        return {"name": "", "page": ""}
    is_deleted = events.filter(action__endswith=".deleted").exists()
    return {"name": event.target, "page": "" if is_deleted else page_of(event)}


def page_of(event: Event) -> str:
    """The address of the object's page; "" for a type that has none."""
    kind = event.target_type
    try:
        return reverse(f"dashboard:{PAGES.get(kind, kind)}", args=[event.target_id])
    except NoReverseMatch:
        return ""
