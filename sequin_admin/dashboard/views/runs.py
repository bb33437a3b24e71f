"""Runs over all syncs: the list, the page of one, and cancelling it."""

from django.contrib import messages
from django.db.models import F
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from sequin_admin.access.models import Findable
from sequin_admin.access.policy import Action
from sequin_admin.core.actors import actor_of
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.confirm import render_question
from sequin_admin.dashboard.csv_export import Columns
from sequin_admin.dashboard.listing import Asked, get_query_param, parse_uuids
from sequin_admin.dashboard.named_lists import NamedList
from sequin_admin.dashboard.reach.runs import reach_of_cancelling
from sequin_admin.dashboard.run_pages.rows import build_front, find_runs, for_list
from sequin_admin.dashboard.sorting import Sorting
from sequin_admin.syncs.models import Run, RunQuerySet, RunStatus, Sync
from sequin_admin.syncs.runs import run_operations
from sequin_admin.syncs.runs.run_operations import RunRefused

FILTER_PARAMS = ("status", "sync")
CSV: Columns = {
    "id": lambda row: row.pk,
    "sync_id": lambda row: row.sync_id,
    "sync": lambda row: row.sync,
    "provider": lambda row: row.sync.provider,
    "consumer": lambda row: row.consumer or "",
    "status": lambda row: row.status,
    "started_at": lambda row: row.started_at,
    "last_report_at": lambda row: row.last_report_at,
    "ended_at": lambda row: row.ended_at,
    "rows_read": lambda row: row.rows_read,
    "rows_written": lambda row: row.rows_written,
    "rows_deleted": lambda row: row.rows_deleted,
    "lag_s": lambda row: row.lag_s,
    "owner": lambda row: (row.error or {}).get("owner", ""),
    "code": lambda row: (row.error or {}).get("code", ""),
    "of": lambda row: (row.error or {}).get("of", ""),
    "message": lambda row: (row.error or {}).get("message", ""),
}


def list_rows(asked: Asked) -> Findable[Run]:
    rows: RunQuerySet = Run.objects.of(asked.organization)
    status = get_query_param(asked, "status")
    if status in RunStatus.values:
        rows = rows.filter(status=status)
    if sync := get_query_param(asked, "sync"):
        rows = rows.filter(sync__in=parse_uuids([sync]))
    return for_list(rows)


LIST = NamedList(
    "runs",
    list_rows,
    Sorting(
        {
            "newest": ("-started_at", "-id"),
            "sync": ("sync__name", "-started_at", "id"),
            "rows": ("-rows_read", "-started_at", "-id"),
            "lag": (F("lag_s").desc(nulls_last=True), "-started_at", "-id"),
        },
        "newest",
    ),
    CSV,
    add="sync_new",
    filters=FILTER_PARAMS,
)


@require_GET
@may(Action.VIEW)
def index(request: Request) -> HttpResponseBase:
    """The runs of all syncs, the newest first; of one with `sync`."""
    chosen = {name: get_query_param(request, name) for name in FILTER_PARAMS}
    context = {
        "narrowed": any(get_query_param(request, name) for name in ("q", *FILTER_PARAMS)),
        "statuses": RunStatus,
        "status": chosen["status"],
        "sync_id": chosen["sync"],
        "sync": find_sync(request, chosen["sync"]),
        "add_words": "Add a sync",
    }
    return LIST.render(request, **context)


def find_sync(request: Request, pk: str) -> Sync | None:
    return Sync.objects.of(request.organization).filter(pk__in=parse_uuids([pk])).first()


def get_owned_or_404(request: Request, pk: str) -> Run:
    run: Run = get_object_or_404(find_runs(request), pk=pk)
    return run


@require_GET
@may(Action.VIEW)
def detail(request: Request, pk: str) -> HttpResponse:
    """What it reads, how far it is, what stopped it, and the last lines of its log."""
    run = get_owned_or_404(request, pk)
    return render(request, "runs/detail.html", {"run": run, "front": build_front(run)})


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def cancel(request: Request, pk: str) -> HttpResponse:
    run = get_owned_or_404(request, pk)
    back = reverse("dashboard:run", args=[pk])
    try:
        if request.method == "POST":
            run_operations.cancel(run, actor=actor_of(request))
            messages.success(request, f"{run} ends at its next report.")
            return redirect(back)
        run_operations.refuse_unless_running(run)
    except RunRefused as error:
        messages.warning(request, str(error))
        return redirect(back)
    return render_question(
        request,
        title=f"Cancel run {str(run.pk)[:8]}?",
        button="Cancel the run",
        back=back,
        back_words="Let it go on",
        reach=reach_of_cancelling(run),
        row=run,
    )
