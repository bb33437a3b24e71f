"""Targets, the databases that consumers write to: list, show, add, edit, test, delete."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sequin_admin.access.ceilings import CeilingReached
from sequin_admin.access.former_secrets import list_former
from sequin_admin.access.models import Findable
from sequin_admin.access.policy import Action
from sequin_admin.core.actors import actor_of
from sequin_admin.core.counts import count_of
from sequin_admin.credentials.properties import warn_of_space
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.confirm import delete_or_ask
from sequin_admin.dashboard.csv_export import Columns
from sequin_admin.dashboard.edits import Edit, status_of
from sequin_admin.dashboard.fresh_login import fresh_login_required, submitted_data
from sequin_admin.dashboard.front import render_tab
from sequin_admin.dashboard.listing import Asked
from sequin_admin.dashboard.named_lists import NamedList
from sequin_admin.dashboard.reach.pipeline import reach_of_deleting_target
from sequin_admin.dashboard.sorting import Sorting
from sequin_admin.health.models import Check
from sequin_admin.syncs import targets
from sequin_admin.syncs.forms.targets import TargetForm
from sequin_admin.syncs.models import Consumer, FormerTargetSecrets, Target

CSV: Columns = {
    "id": lambda row: row.pk,
    "name": lambda row: row.name,
    "address": lambda row: row.address,
    "status": lambda row: row.health_status or "unchecked",
    "consumers": lambda row: row.used_by,
    "created_at": lambda row: row.created_at,
}


def list_rows(asked: Asked) -> Findable[Target]:
    used_by = count_of(Consumer.objects.all(), "target")
    return Target.objects.of(asked.organization).annotate(used_by=used_by).defer("secrets")


LIST = NamedList(
    "targets",
    list_rows,
    Sorting(
        {
            "newest": ("-created_at", "-id"),
            "name": ("name", "id"),
            "database": ("host", "database", "id"),
            "health": ("-health_status", "id"),
            "consumers": ("used_by", "id"),
        },
        "newest",
    ),
    CSV,
    Action.CONFIGURE,
)


def get_owned_or_404(request: Request, pk: str) -> Target:
    target: Target = get_object_or_404(Target.objects.of(request.organization), pk=pk)
    return target


@require_GET
@may(Action.VIEW)
def index(request: Request) -> HttpResponseBase:
    return LIST.render(request)


@require_GET
@may(Action.VIEW)
def detail(request: Request, pk: str) -> HttpResponse:
    target = get_owned_or_404(request, pk)
    consumers = target.consumers.order_by("name")[:100]
    context = {
        "consumers": consumers,
        "checks": Check.objects.about(target),
        "former": list_former(FormerTargetSecrets, target),
    }
    return render_tab(request, "targets/detail.html", target, "target", context)


@require_GET
@may(Action.CONFIGURE)
def danger(request: Request, pk: str) -> HttpResponse:
    return render_tab(
        request, "targets/danger.html", get_owned_or_404(request, pk), "target_danger", {}
    )


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
@fresh_login_required
def new(request: Request) -> HttpResponse:
    form = TargetForm.for_new(submitted_data(request))
    if request.method == "POST" and form.is_valid():
        try:
            target = targets.create(
                request.organization, actor=actor_of(request), **form.cleaned_data
            )
        except CeilingReached as error:
            form.add_error(None, str(error))
        except ValidationError as error:
            form.explain(error)
        else:
            return redirect_to_test(request, target, form)
    return show_form(request, form)


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
@fresh_login_required
def edit_target(request: Request, pk: str) -> HttpResponse:
    target = get_owned_or_404(request, pk)
    edit = Edit(target, TargetForm.of, submitted_data(request))
    form: TargetForm = edit.form
    if request.method == "POST" and form.is_valid():
        try:
            saved = edit.save(
                lambda row: targets.update(row, actor=actor_of(request), **form.cleaned_data)
            )
        except ValidationError as error:
            form.explain(error)
        else:
            if saved:
                targets.request_test(get_owned_or_404(request, pk), actor=actor_of(request))
                return redirect_to_test(request, get_owned_or_404(request, pk), form)
    return show_form(request, form, get_owned_or_404(request, pk), edit)


def show_form(
    request: Request, form: TargetForm, target: Target | None = None, edit: Edit | None = None
) -> HttpResponse:
    context = {"form": form, "target": target, "edit": edit}
    status = status_of(form, edit)
    return render(request, "targets/form.html", context, status=status)


def redirect_to_test(request: Request, target: Target, form: TargetForm) -> HttpResponse:
    """To the page of a saved target, whose test is due."""
    messages.success(request, f"{target} is saved. The result of its test is shown here.")
    if warning := warn_of_space("The password", form.cleaned_data["password"]):
        messages.warning(request, warning)
    return redirect("dashboard:target", pk=target.pk)


@require_POST
@may(Action.EDIT)
def verify(request: Request, pk: str) -> HttpResponse:
    """Have a worker test the connection; the target's page shows the result."""
    target = get_owned_or_404(request, pk)
    targets.request_test(target, actor=actor_of(request))
    messages.info(request, f"{target} is being tested. The result is shown here.")
    return redirect("dashboard:target", pk=target.pk)


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
def delete(request: Request, pk: str) -> HttpResponse:
    target = get_owned_or_404(request, pk)
    return delete_or_ask(
        request, target, targets.delete, reach=reach_of_deleting_target, then="dashboard:targets"
    )
