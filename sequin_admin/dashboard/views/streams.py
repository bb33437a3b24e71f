"""Streams, the parts of the data that syncs write to: list, show, add, edit, delete."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from sequin_admin.access.models import Findable
from sequin_admin.access.policy import Action
from sequin_admin.audit.models import Event
from sequin_admin.core.actors import actor_of
from sequin_admin.core.counts import count_of
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.confirm import delete_or_ask
from sequin_admin.dashboard.csv_export import Columns
from sequin_admin.dashboard.edits import Edit, status_of
from sequin_admin.dashboard.listing import Asked
from sequin_admin.dashboard.named_lists import NamedList
from sequin_admin.dashboard.plain_front import front_of_stream
from sequin_admin.dashboard.reach.pipeline import reach_of_deleting_stream
from sequin_admin.dashboard.recent import remember_viewed
from sequin_admin.dashboard.sorting import Sorting
from sequin_admin.syncs import streams
from sequin_admin.syncs.forms.streams import StreamForm
from sequin_admin.syncs.models import Stream, Sync

SHOWN = 100


CSV: Columns = {
    "id": lambda row: row.pk,
    "slug": lambda row: row.slug,
    "syncs": lambda row: row.used_by,
    "created_at": lambda row: row.created_at,
}


def list_rows(asked: Asked) -> Findable[Stream]:
    used_by = count_of(Sync.objects.all(), "stream")
    return Stream.objects.of(asked.organization).annotate(used_by=used_by)


LIST = NamedList(
    "streams",
    list_rows,
    Sorting(
        {
            "slug": ("slug", "id"),
            "newest": ("-created_at", "-id"),
            "syncs": ("used_by", "id"),
        },
        "slug",
    ),
    CSV,
)


def get_owned_or_404(request: Request, pk: str) -> Stream:
    return get_object_or_404(Stream.objects.of(request.organization), pk=pk)


@require_GET
@may(Action.VIEW)
def index(request: Request) -> HttpResponseBase:
    return LIST.render(request)


@require_GET
@may(Action.VIEW)
def detail(request: Request, pk: str) -> HttpResponse:
    stream = get_owned_or_404(request, pk)
    remember_viewed(request, "stream", stream)
    count = stream.syncs.count()
    listed = f"{reverse('dashboard:syncs')}?stream={stream.pk}"
    context = {
        "stream": stream,
        "front": front_of_stream(count, listed, stream.created_at),
        "syncs": stream.syncs.order_by("name")[:SHOWN],
        "count": count,
        "events": Event.objects.of(request.organization.pk).about(stream)[:15],
    }
    return render(request, "streams/detail.html", context)


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def new(request: Request) -> HttpResponse:
    form = StreamForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            stream = streams.create(
                request.organization, actor=actor_of(request), **form.cleaned_data
            )
        except ValidationError as error:
            form.explain(error)
        else:
            messages.success(request, f"{stream} is there. Choose it when you add a sync.")
            return redirect("dashboard:stream", pk=stream.pk)
    return show_form(request, form)


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def edit_stream(request: Request, pk: str) -> HttpResponse:
    stream = get_owned_or_404(request, pk)
    edit = Edit(stream, StreamForm.of, request.POST or None)
    form: StreamForm = edit.form
    if request.method == "POST" and form.is_valid():
        try:
            saved = edit.save(
                lambda row: streams.rename(row, actor=actor_of(request), **form.cleaned_data)
            )
        except ValidationError as error:
            form.explain(error)
        else:
            if saved:
                messages.success(request, f"It is called {get_owned_or_404(request, pk)} now.")
                return redirect("dashboard:stream", pk=pk)
    return show_form(request, form, get_owned_or_404(request, pk), edit)


def show_form(
    request: Request, form: StreamForm, stream: Stream | None = None, edit: Edit | None = None
) -> HttpResponse:
    context = {"form": form, "stream": stream, "edit": edit}
    status = status_of(form, edit)
    return render(request, "streams/form.html", context, status=status)


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def delete(request: Request, pk: str) -> HttpResponse:
    stream = get_owned_or_404(request, pk)
    return delete_or_ask(
        request, stream, streams.delete, reach=reach_of_deleting_stream, then="dashboard:streams"
    )
