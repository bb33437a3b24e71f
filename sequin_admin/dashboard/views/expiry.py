"""What will end, which changes at the providers come, and one's own calendar of both."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from sequin_admin.access import calendar_feeds
from sequin_admin.access.policy import Action
from sequin_admin.core import clock
from sequin_admin.core.actors import actor_of
from sequin_admin.core.search_language import parse_search
from sequin_admin.credentials import kinds
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.confirm import render_question
from sequin_admin.dashboard.csv_export import Columns, CsvList, csv_response, wants_csv
from sequin_admin.dashboard.fresh_login import fresh_login_required
from sequin_admin.dashboard.list_settings import KeptList
from sequin_admin.dashboard.listing import (
    ROWS,
    Asked,
    Pages,
    get_query_param,
    render_page_or_partial,
)
from sequin_admin.dashboard.reach.access import reach_of_revoking_calendar
from sequin_admin.dashboard.sorting import Sorting
from sequin_admin.health import expiry, provider_changes
from sequin_admin.health.expiry import AHEAD, Expiring, ExpiringRow, ExpiryFilter

# How many days ahead to look.
PERIODS = {"30": "In 30 days", "90": "In 90 days", "": "In 180 days", "all": "Whenever"}
SORTING = Sorting(
    {
        "ends": ("end", "row_id"),
        "name": ("title", "row_id"),
        "what": ("sort_of", "end", "row_id"),
    },
    "ends",
)
KEPT = KeptList("expiry", ("q", "what", "provider", "within"), SORTING)
# The page of what ends; that of an invitation is the list of members.
PAGES = {
    Expiring.CREDENTIAL: "credential",
    Expiring.OAUTH_APP: "oauth_app",
    Expiring.GATEWAY_SECRET: "oauth_app",
    Expiring.API_KEY: "api_key",
    Expiring.FORMER_API_KEY: "api_key",
    Expiring.CONNECT_LINK: "connect_link",
}
COLUMNS: Columns = {
    "ends_at": lambda row: row.ends_at,
    "what": lambda row: row.what.value,
    "id": lambda row: row.id,
    "name": lambda row: row.name,
    "provider": lambda row: row.provider,
    "what_to_do": lambda row: row.to_do,
}


@require_GET
@may(Action.VIEW)
def index(request: Request) -> HttpResponseBase:
    """In the next 180 days, unless asked for more or less; soonest first."""
    if wants_csv(request):
        return csv_response(request, CSV)
    chosen, sort = choices_of(request), SORTING.chosen(request)
    wanted = filter_of(chosen)
    wanted = wanted._replace(few=expiry.find_few_named(wanted.words))
    page = Pages(list_rows(request, wanted), ROWS).get_page(request.GET.get("page"))
    first, last = page.start_index(), page.end_index()
    page.object_list = list_rows(request, wanted, most=last)[max(first - 1, 0) : last]
    context = {
        **KEPT.context(request),
        "page": page,
        "rows": [(row, page_of(row)) for row in map(expiry.parse_row, page)],
        "sorted_by": sort,
        "search": chosen["q"],
        "chosen": chosen,
        "narrowed": any(chosen.values()),
        "filters": list_filters(chosen),
    }
    if not request.htmx:
        context |= page_context(request)
    return render_page_or_partial(request, "expiry/index.html", "table", context)


def choices_of(asked: Asked) -> dict[str, str]:
    return {name: get_query_param(asked, name) for name in ("q", "what", "provider", "within")}


def list_rows(
    asked: Asked, wanted: ExpiryFilter | None = None, most: int | None = None
) -> QuerySet[Model, dict[str, Any]]:
    """What ends and passes the filters, in the order that was asked for."""
    wanted, order = wanted or filter_of(choices_of(asked)), SORTING.order(SORTING.chosen(asked))
    return expiry.rows_ending(asked.organization, wanted, order=order, most=most)


CSV = CsvList("expiry", list_rows, COLUMNS, expiry.parse_row)


def page_context(request: Request) -> dict[str, Any]:
    """What stands on the page besides the list."""
    changes = provider_changes.get_touched(request.organization)
    touched = [each for each in changes if each.touches]
    return {
        "changes": touched,
        "others": len(changes) - len(touched),
        "feed": calendar_feeds.get_feed(request.membership),
        "may_have_feed": request.membership.staff_access is None,
    }


def filter_of(chosen: dict[str, str]) -> ExpiryFilter:
    """An unknown choice narrows nothing."""
    within = chosen["within"]
    days = int(within) if within in ("30", "90") else AHEAD.days
    return ExpiryFilter(
        until=None if within == "all" else clock.now() + timedelta(days=days),
        what=chosen["what"] if chosen["what"] in Expiring.values else "",
        provider=chosen["provider"],
        words=[term.written if term.key else term.value for term in parse_search(chosen["q"])],
    )


def list_filters(chosen: dict[str, str]) -> list[dict[str, Any]]:
    """The choices of the toolbar."""
    options = {
        "what": ("What", [("", "What: all"), *Expiring.choices]),
        "provider": ("Provider", [("", "Provider: all"), *kinds.providers_by_title()]),
        "within": ("When", list(PERIODS.items())),
    }
    return [
        {"name": name, "label": label, "options": values, "chosen": chosen[name]}
        for name, (label, values) in options.items()
    ]


def page_of(row: ExpiringRow) -> str:
    if row.what not in PAGES:
        return reverse("dashboard:members")
    return reverse(f"dashboard:{PAGES[row.what]}", args=[row.id])


@require_http_methods(["GET", "POST"])
@may(calendar_feeds.ACTION)
@fresh_login_required
@never_cache
def calendar(request: Request) -> HttpResponse:
    """Make the address of one's own calendar, or a new one. Shown in this response only."""
    if request.method != "POST":
        known = {"feed": calendar_feeds.get_feed(request.membership)}
        return render(request, "expiry/make_calendar.html", known)
    try:
        _, token = calendar_feeds.make_feed(request.membership, actor=actor_of(request))
    except calendar_feeds.FeedRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("dashboard:expiry")
    address = request.build_absolute_uri(reverse("gateway:calendar", args=[token]))
    return render(request, "expiry/calendar.html", {"address": address})


@require_http_methods(["GET", "POST"])
@may(calendar_feeds.ACTION)
def revoke_calendar(request: Request) -> HttpResponse:
    back = reverse("dashboard:expiry")
    if request.method == "POST":
        if calendar_feeds.revoke_feed(request.membership, actor=actor_of(request)):
            messages.success(request, "The address of your calendar shows nothing any more.")
        return redirect(back)
    if calendar_feeds.get_feed(request.membership) is None:
        messages.warning(request, "You have no calendar here, so there is nothing to revoke.")
        return redirect(back)
    return render_question(
        request,
        title="Revoke your calendar?",
        button="Revoke the calendar",
        back=back,
        reach=reach_of_revoking_calendar(request.organization),
    )
