"""Large lists as CSV: asking for the file, which the worker makes, and one's own files."""

from collections.abc import Iterator, Sequence

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from sequin_admin.access import exports
from sequin_admin.access.models import ListExport
from sequin_admin.access.policy import Action
from sequin_admin.audit.models import record_change
from sequin_admin.core.actors import actor_of
from sequin_admin.dashboard import live
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.csv_export import CsvList, download, query_of
from sequin_admin.dashboard.listing import AskedBefore
from sequin_admin.dashboard.live import Current
from sequin_admin.dashboard.views.list_settings import LISTED, OTHERS

CSV_LISTS: dict[str, CsvList] = {
    listed.name: listed
    for listed in (*(each.LIST.csv for each in LISTED), *(each.CSV for each in OTHERS))
}


def list_or_404(listed: str) -> CsvList:
    """Raises `Http404` for what is no list."""
    if listed not in CSV_LISTS:
        raise Http404(listed)
    return CSV_LISTS[listed]


@require_http_methods(["GET", "POST"])
@may(Action.VIEW)
def export_new(request: Request, listed: str) -> HttpResponse:
    """Say what is made and for whom, then have the worker make it."""
    found = list_or_404(listed)
    count, query = found.rows(request).order_by().count(), query_of(request)
    if request.method == "POST":
        actor = actor_of(request)
        try:
            exports.start(
                request.organization, actor=actor, listed=listed, query=query, count=count
            )
        except exports.TooManyFiles as refused:
            messages.error(request, str(refused))
        return redirect("dashboard:exports")
    context = {
        "count": count,
        "words": listed.replace("_", " "),
        "back": f"{reverse(f'dashboard:{listed}')}?{query}".removesuffix("?"),
        "narrowed": query,
    }
    return render(request, "exports/ask.html", context)


@require_GET
@may(Action.VIEW)
def files(request: Request) -> HttpResponse:
    return render(request, "exports/index.html", {"part": build_part(request)})


@live.register("exports", "exports/files.html")
def load_files(request: Request, keys: Sequence[str]) -> list[Current]:
    return [build_part(request)]


def build_part(request: Request) -> Current:
    rows = list(exports.own_files(request.organization, request.user).order_by("-created_at"))
    under_way = any(row.finished_at is None for row in rows)
    state = [(str(row.pk), str(row.finished_at)) for row in rows]
    return Current(
        "exports", "", state, context={"exports": rows}, pending=under_way, soon=under_way
    )


@require_GET
@may(Action.VIEW)
def download_export(request: Request, pk: str) -> HttpResponseBase:
    """The file, for whoever asked for it."""
    own = exports.own_files(request.organization, request.user)
    ready = own.filter(finished_at__isnull=False, failure="")
    export = get_object_or_404(ready, pk=pk)
    record_change(export, "list_export.downloaded", actor_of(request), rows=export.count)
    return download(str(export), exports.read_parts(export))


def lines_of(export: ListExport) -> Iterator[str]:
    """The lines of the list that the export names, as it is now."""
    asked = AskedBefore(export.organization, QueryDict(export.query))
    return CSV_LISTS[export.listed].lines(asked)
