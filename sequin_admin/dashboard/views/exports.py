"""Large lists as CSV: asking for the file, which the worker makes, and one's own files."""

from collections.abc import Iterator, Sequence

from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from sequin_admin.access import exports
from sequin_admin.access.models import ListExport, OwnedQuerySet
from sequin_admin.access.models.list_exports import KEPT
from sequin_admin.access.policy import Action
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock
from sequin_admin.core.actors import actor_of
from sequin_admin.dashboard import live
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.csv_export import CsvList, download, query_of
from sequin_admin.dashboard.listing import AskedBefore
from sequin_admin.dashboard.live import Current
from sequin_admin.dashboard.views.list_settings import LISTED, OTHERS

SHOWN = 20
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
        exports.start(
            request.organization, actor=actor_of(request), listed=listed, query=query, count=count
        )
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
    rows = list(own_exports(request).order_by("-created_at")[:SHOWN])
    under_way = any(row.finished_at is None for row in rows)
    state = [(str(row.pk), str(row.finished_at)) for row in rows]
    return Current(
        "exports", "", state, context={"exports": rows}, pending=under_way, soon=under_way
    )


def own_exports(request: Request) -> OwnedQuerySet[ListExport]:
    """Those that the person asked for here, as long as the files are kept."""
    kept = ListExport.objects.of(request.organization).filter(created_by=request.user)
    return kept.filter(created_at__gte=clock.now() - KEPT)


@require_GET
@may(Action.VIEW)
def download_export(request: Request, pk: str) -> HttpResponseBase:
    """The file, for whoever asked for it."""
    ready = own_exports(request).filter(finished_at__isnull=False, failure="")
    export = get_object_or_404(ready, pk=pk)
    record_change(export, "list_export.downloaded", actor_of(request), rows=export.count)
    return download(str(export), exports.read_parts(export))


def lines_of(export: ListExport) -> Iterator[str]:
    """The lines of the list that the export names, as it is now."""
    asked = AskedBefore(export.organization, QueryDict(export.query))
    return CSV_LISTS[export.listed].lines(asked)
