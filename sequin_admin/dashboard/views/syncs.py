"""Syncs: list, add, edit, enable, publish a badge, delete."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sequin_admin.access.ceilings import CeilingReached
from sequin_admin.access.models import Findable
from sequin_admin.access.policy import Action
from sequin_admin.core.actors import actor_of
from sequin_admin.core.monitored import TimeOrNever
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.confirm import delete_or_ask, disable_or_ask
from sequin_admin.dashboard.csv_export import Columns
from sequin_admin.dashboard.edits import Edit, status_of
from sequin_admin.dashboard.listing import Asked, get_query_param, parse_uuids
from sequin_admin.dashboard.named_lists import NamedList
from sequin_admin.dashboard.new_rows import keep_new_rows
from sequin_admin.dashboard.reach.pipeline import reach_of_deleting_sync, reach_of_disabling_sync
from sequin_admin.dashboard.sorting import Sorting
from sequin_admin.limits import models as limits
from sequin_admin.syncs import catalogue, syncs
from sequin_admin.syncs.forms.syncs import SyncForm
from sequin_admin.syncs.models import Stream, Sync

OFFERED = 60
# Filters of the list, by id.
FILTER_PARAMS = ("credential", "stream")


CSV: Columns = {
    "id": lambda row: row.pk,
    "name": lambda row: row.name,
    "external_id": lambda row: row.external_id,
    "credential": lambda row: row.credential,
    "stream": lambda row: row.stream or "",
    "status": lambda row: "disabled" if row.disabled_at else row.health_status or "unchecked",
    "last_report_at": lambda row: row.last_report_at,
    "created_at": lambda row: row.created_at,
}


SORTING = Sorting(
    {
        "newest": ("-created_at", "-id"),
        "name": ("name", "id"),
        "credential": ("credential__name", "credential__id", "id"),
        "health": ("-health_status", "id"),
        "report": (TimeOrNever("last_report_at").desc(), "-id"),
    },
    "newest",
)


def list_rows(asked: Asked) -> Findable[Sync]:
    rows = Sync.objects.of(asked.organization)
    for name in FILTER_PARAMS:
        if get_query_param(asked, name):
            rows = rows.filter(**{f"{name}__in": parse_uuids([get_query_param(asked, name)])})
    if SORTING.chosen(asked).removeprefix("-") == "credential":
        # The database may go through the organization's credentials, which have an index.
        rows = rows.filter(credential__organization=asked.organization)
    return rows.select_related("credential", "stream").defer("credential__secrets")


LIST = NamedList(
    "syncs",
    list_rows,
    SORTING,
    CSV,
    filters=FILTER_PARAMS,
)


NEW_ROWS = keep_new_rows("syncs", LIST.found)


def get_owned_or_404(request: Request, pk: str) -> Sync:
    rows = Sync.objects.of(request.organization).select_related(
        "credential__rate_limit", "credential__oauth_app", "stream"
    )
    hidden = ("credential__secrets", "credential__oauth_app__secrets")
    sync: Sync = get_object_or_404(rows.defer(*hidden), pk=pk)
    return sync


@require_GET
@may(Action.VIEW)
def index(request: Request) -> HttpResponseBase:
    context: dict[str, Any] = {
        "narrowed": any(get_query_param(request, name) for name in ("q", *FILTER_PARAMS)),
        "new_rows": NEW_ROWS.part(request),
        "streams": list_streams(request),
        "stream": get_query_param(request, "stream"),
        "credential": get_query_param(request, "credential"),
    }
    return LIST.render(request, **context)


def list_streams(request: Request) -> QuerySet[Stream]:
    return Stream.objects.of(request.organization).order_by("slug")


@require_GET
@may(Action.EDIT)
def new(request: Request) -> HttpResponse:
    """Choose the credential first: the collections depend on it."""
    rows = (
        Credential.objects.of(request.organization).active().matching(get_query_param(request, "q"))
    )
    offered = rows.defer("secrets").order_by("-created_at", "-id")[:OFFERED]
    context = {"credentials": offered, "search": get_query_param(request, "q")}
    return render(request, "syncs/choose.html", context)


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def add(request: Request, pk: str) -> HttpResponse:
    rows = Credential.objects.of(request.organization).select_related("rate_limit")
    credential = get_object_or_404(rows.defer("secrets"), pk=pk)
    initial = {"name": credential.name}
    known, streams = catalogue.list_collections(credential), list_streams(request)
    form = SyncForm(known, request.POST or None, initial=initial, streams=streams)
    if request.method == "POST" and form.is_valid():
        try:
            sync = syncs.create(credential, actor=actor_of(request), **form.columns())
        except CeilingReached as error:
            form.add_error(None, str(error))
        except ValidationError as error:
            form.explain(error)
        else:
            messages.success(request, f"{sync} is saved.")
            return redirect("dashboard:sync", pk=sync.pk)
    return show_form(request, form, credential)


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def edit_sync(request: Request, pk: str) -> HttpResponse:
    sync = get_owned_or_404(request, pk)
    known = list(catalogue.list_collections(sync.credential))
    edit = Edit(sync, lambda row, data: SyncForm.of(row, known, data), request.POST or None)
    form: SyncForm = edit.form
    if request.method == "POST" and form.is_valid():
        try:
            saved = edit.save(
                lambda row: syncs.update(row, actor=actor_of(request), **form.columns())
            )
        except ValidationError as error:
            form.explain(error)
        else:
            if saved:
                messages.success(request, f"{form.cleaned_data['name']} is saved.")
                return redirect("dashboard:sync", pk=pk)
    return show_form(request, form, sync.credential, get_owned_or_404(request, pk), edit)


def show_form(
    request: Request,
    form: SyncForm,
    credential: Credential,
    sync: Sync | None = None,
    edit: Edit | None = None,
) -> HttpResponse:
    context = {
        "form": form,
        "credential": credential,
        "sync": sync,
        "edit": edit,
        "limit": limits.get_rate_limit(credential),
    }
    status = status_of(form, edit)
    return render(request, "syncs/form.html", context, status=status)


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def disable(request: Request, pk: str) -> HttpResponse:
    sync = get_owned_or_404(request, pk)
    return disable_or_ask(
        request,
        sync,
        partial(syncs.set_status, status="disabled"),
        reach=reach_of_disabling_sync,
        done=f"{sync} is disabled. It reads nothing until you enable it.",
    )


@require_POST
@may(Action.EDIT)
def enable(request: Request, pk: str) -> HttpResponse:
    sync = get_owned_or_404(request, pk)
    syncs.set_status(sync, "active", actor=actor_of(request))
    messages.success(request, f"{sync} is enabled again.")
    return redirect("dashboard:sync", pk=pk)


@require_POST
@may(Action.EDIT)
def publish(request: Request, pk: str) -> HttpResponse:
    sync = get_owned_or_404(request, pk)
    syncs.publish_badge(sync, actor=actor_of(request))
    messages.success(request, "Whoever has the badge's address sees the status, and only that.")
    return redirect("dashboard:sync_badge_page", pk=pk)


@require_POST
@may(Action.EDIT)
def unpublish(request: Request, pk: str) -> HttpResponse:
    sync = get_owned_or_404(request, pk)
    syncs.unpublish_badge(sync, actor=actor_of(request))
    messages.success(request, "The badge's address leads nowhere any more.")
    return redirect("dashboard:sync_badge_page", pk=pk)


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def delete(request: Request, pk: str) -> HttpResponse:
    sync = get_owned_or_404(request, pk)
    return delete_or_ask(
        request,
        sync,
        syncs.delete,
        reach=reach_of_deleting_sync,
        then="dashboard:syncs",
    )
