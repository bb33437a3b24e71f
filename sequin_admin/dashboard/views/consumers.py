"""Consumers: what writes the records of syncs to a target."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from sequin_admin.access.models import Findable
from sequin_admin.access.policy import Action
from sequin_admin.core.actors import actor_of
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.confirm import delete_or_ask
from sequin_admin.dashboard.csv_export import Columns
from sequin_admin.dashboard.edits import Edit, status_of
from sequin_admin.dashboard.front import render_tab
from sequin_admin.dashboard.listing import Asked
from sequin_admin.dashboard.named_lists import NamedList
from sequin_admin.dashboard.reach.pipeline import reach_of_deleting_consumer
from sequin_admin.dashboard.sorting import Sorting
from sequin_admin.health.models import Check
from sequin_admin.syncs import consumers
from sequin_admin.syncs.forms.consumers import ConsumerForm
from sequin_admin.syncs.models import Consumer, Target

SHOWN = 100
CSV: Columns = {
    "id": lambda row: row.pk,
    "name": lambda row: row.name,
    "target": lambda row: row.target,
    "status": lambda row: "disabled" if row.disabled_at else row.health_status or "unchecked",
    "created_at": lambda row: row.created_at,
}


def list_rows(asked: Asked) -> Findable[Consumer]:
    rows = Consumer.objects.of(asked.organization).select_related("target")
    return rows.defer("target__secrets").prefetch_related("syncs")


LIST = NamedList(
    "consumers",
    list_rows,
    Sorting(
        {
            "newest": ("-created_at", "-id"),
            "name": ("name", "id"),
            "target": ("target__name", "id"),
            "health": ("-health_status", "id"),
        },
        "newest",
    ),
    CSV,
)


def get_owned_or_404(request: Request, pk: str) -> Consumer:
    rows = Consumer.objects.of(request.organization).select_related("target", "organization")
    consumer: Consumer = get_object_or_404(rows.defer("target__secrets"), pk=pk)
    return consumer


@require_GET
@may(Action.VIEW)
def index(request: Request) -> HttpResponseBase:
    return LIST.render(request)


@require_GET
@may(Action.VIEW)
def detail(request: Request, pk: str) -> HttpResponse:
    consumer = get_owned_or_404(request, pk)
    syncs = consumer.syncs.order_by("name")[:SHOWN]
    context = {"syncs": syncs, "checks": Check.objects.about(consumer)}
    return render_tab(request, "consumers/detail.html", consumer, "consumer", context)


@require_GET
@may(Action.EDIT)
def danger(request: Request, pk: str) -> HttpResponse:
    consumer = get_owned_or_404(request, pk)
    return render_tab(request, "consumers/danger.html", consumer, "consumer_danger", {})


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def new(request: Request) -> HttpResponse:
    if not Target.objects.of(request.organization).exists():
        return render(request, "consumers/no_target.html")
    form = ConsumerForm(request.organization, request.POST or None)
    if request.method == "POST" and form.is_valid():
        consumer = consumers.create(request.organization, actor=actor_of(request), **form.columns())
        messages.success(request, f"{consumer} is saved.")
        return redirect("dashboard:consumer", pk=consumer.pk)
    return show_form(request, form)


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def edit_consumer(request: Request, pk: str) -> HttpResponse:
    consumer = get_owned_or_404(request, pk)
    edit = Edit(consumer, ConsumerForm.of, request.POST or None)
    form: ConsumerForm = edit.form
    if (
        request.method == "POST"
        and form.is_valid()
        and edit.save(lambda row: consumers.update(row, actor=actor_of(request), **form.columns()))
    ):
        messages.success(request, f"{form.cleaned_data['name']} is saved.")
        return redirect("dashboard:consumer", pk=pk)
    return show_form(request, form, consumer, edit)


def show_form(
    request: Request,
    form: ConsumerForm,
    consumer: Consumer | None = None,
    edit: Edit | None = None,
) -> HttpResponse:
    context = {"form": form, "consumer": consumer, "edit": edit}
    status = status_of(form, edit)
    return render(request, "consumers/form.html", context, status=status)


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def delete(request: Request, pk: str) -> HttpResponse:
    consumer = get_owned_or_404(request, pk)
    return delete_or_ask(
        request,
        consumer,
        consumers.delete,
        reach=reach_of_deleting_consumer,
        then="dashboard:consumers",
    )
