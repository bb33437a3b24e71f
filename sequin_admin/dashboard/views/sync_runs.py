"""The tab Runs of a sync, and what people ask of its runs."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sequin_admin.access.policy import Action
from sequin_admin.core.actors import actor_of
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.confirm import render_question
from sequin_admin.dashboard.front import render_tab
from sequin_admin.dashboard.listing import get_query_param
from sequin_admin.dashboard.reach.runs import (
    reach_of_confirming,
    reach_of_pausing,
    reach_of_resync,
)
from sequin_admin.dashboard.run_pages.charts import build_charts
from sequin_admin.dashboard.run_pages.sync_runs import SyncRuns, collections_part, now_part
from sequin_admin.dashboard.views.syncs import get_owned_or_404
from sequin_admin.syncs.models import CollectionState, Sync
from sequin_admin.syncs.runs import run_health, run_operations
from sequin_admin.syncs.runs.run_operations import RunRefused

TAB = "dashboard:sync_runs"
SECRETS = "slot__consumer__target__secrets"


@require_GET
@may(Action.VIEW)
def runs(request: Request, pk: str) -> HttpResponse:
    """What runs now and next, charts of the last day, collections and the latest runs."""
    sync = get_owned_or_404(request, pk)
    shown = SyncRuns(sync)
    context = {
        "shown": shown,
        "now": now_part(shown),
        "collections": collections_part(shown),
        "charts": build_charts(sync, shown.most_rows_per_minute),
    }
    return render_tab(request, "syncs/runs.html", sync, "sync_runs", context, latest=shown.latest)


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def pause(request: Request, pk: str) -> HttpResponse:
    sync, back = get_owned_or_404(request, pk), reverse(TAB, args=[pk])
    if request.method == "POST":
        run_operations.pause(sync, actor=actor_of(request))
        # The message has a button that posts there.
        undo = reverse("dashboard:sync_resume", args=[pk])
        messages.success(request, f"{sync} is paused.", extra_tags=undo)
        return redirect(back)
    title = f"Pause {sync}"
    return render_question(
        request, title=f"{title}?", button=title, back=back, reach=reach_of_pausing(sync), row=sync
    )


@require_POST
@may(Action.EDIT)
def resume(request: Request, pk: str) -> HttpResponse:
    """After a pause, after a stop, or before its time."""
    sync = get_owned_or_404(request, pk)
    run_operations.resume(sync, actor=actor_of(request))
    messages.success(request, f"The next run of {sync} may start at once.")
    return redirect(TAB, pk=pk)


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def resync(request: Request, pk: str) -> HttpResponse:
    """Read the `collection` of the query again, from its beginning."""
    sync, back = get_owned_or_404(request, pk), reverse(TAB, args=[pk])
    collection_id = get_query_param(request, "collection")
    try:
        run_operations.refuse_unless_read(sync, collection_id)
        if request.method == "POST":
            run_operations.resync(sync, collection_id, actor=actor_of(request))
            messages.success(request, f"The next run reads {collection_id} from its beginning.")
            return redirect(back)
    except RunRefused as error:
        messages.warning(request, str(error))
        return redirect(back)
    title = f"Read {collection_id} of {sync} again"
    return render_question(
        request,
        title=f"{title}?",
        button=f"Read {collection_id} again",
        back=back,
        reach=reach_of_resync(sync, collection_id),
        row=sync,
    )


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def confirm_deletes(request: Request, pk: str) -> HttpResponse:
    """Of the `collection` of the query, or of all that wait."""
    sync, back = get_owned_or_404(request, pk), reverse(TAB, args=[pk])
    collection_id = get_query_param(request, "collection")
    if request.method == "POST":
        try:
            names = run_operations.confirm_deletes(
                sync, actor=actor_of(request), collection_id=collection_id
            )
        except RunRefused as error:
            messages.warning(request, str(error))
        else:
            run_health.record_findings(sync)
            listed = ", ".join(names)
            messages.success(request, f"The next full pass of {listed} deletes what it misses.")
        return redirect(back)
    held = find_held(sync, collection_id)
    if not held:
        messages.warning(request, f"No deletes of {sync} wait to be confirmed.")
        return redirect(back)
    return render_question(
        request,
        title=f"Let {sync} delete?",
        button=f"Confirm the deletes of {sync}",
        back=back,
        reach=reach_of_confirming(held),
        text="Look first whether these rows are really gone at the source.",
        row=sync,
    )


def find_held(sync: Sync, collection_id: str) -> list[CollectionState]:
    rows = CollectionState.objects.filter(slot__sync=sync)
    rows = rows.exclude(deletes_held=None, emptied_from=None).order_by("collection_id", "pk")
    rows = rows.filter(collection_id=collection_id) if collection_id else rows
    return list(rows.select_related("slot__consumer__target").defer(SECRETS))
