"""API keys: list, create, edit, rotate, revoke. A token is shown only once."""

from django.contrib import messages
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sequin_admin.access import keys
from sequin_admin.access.ceilings import CeilingReached
from sequin_admin.access.forms import KeyForm, RotateForm
from sequin_admin.access.models import ApiKey, Scope
from sequin_admin.access.policy import Action
from sequin_admin.audit.models import Event
from sequin_admin.core import clock
from sequin_admin.core.actors import actor_of
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.confirm import render_question
from sequin_admin.dashboard.edits import Edit
from sequin_admin.dashboard.fresh_login import fresh_login_required, submitted_data
from sequin_admin.dashboard.listing import Pages
from sequin_admin.dashboard.plain_front import front_of_key
from sequin_admin.dashboard.reach.access import reach_of_revoking_key, reach_of_rotating_key

ROWS = 50


def get_owned_or_404(request: Request, pk: str) -> ApiKey:
    key: ApiKey = get_object_or_404(ApiKey.objects.of(request.organization), pk=pk)
    return key


@require_GET
@may(Action.VIEW)
def api_keys(request: Request) -> HttpResponse:
    """All keys; revoked ones are at the end."""
    rows = ApiKey.objects.of(request.organization)
    listed = rows.order_by(F("revoked_at").desc(nulls_first=True), "-created_at", "-id")
    page, now = Pages(listed, ROWS).get_page(request.GET.get("page")), clock.now()
    context = {"page": page, "rows": [(key, key.state(now)) for key in page]}
    return render(request, "api_keys/index.html", context)


@require_GET
@may(Action.VIEW)
def api_key(request: Request, pk: str) -> HttpResponse:
    key = get_owned_or_404(request, pk)
    context = {
        "key": key,
        "front": front_of_key(key),
        "limit": f"{key.allowed_per_minute:,}",
        "scopes": [scope for scope in Scope if scope in key.scopes],
        "events": Event.objects.of(request.organization.pk).about(key)[:15],
    }
    return render(request, "api_keys/detail.html", context)


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
@fresh_login_required
@never_cache
def api_key_add(request: Request) -> HttpResponse:
    """Create a key. Its token is shown in this response only."""
    form = KeyForm(submitted_data(request))
    if request.method == "POST" and form.is_valid():
        try:
            key, token = keys.create(request.organization, actor=actor_of(request), **form.columns)
        except CeilingReached as error:
            form.add_error(None, str(error))
        else:
            return render(request, "api_keys/token.html", {"key": key, "token": token})
    return show_form(request, form)


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
@fresh_login_required
def api_key_edit(request: Request, pk: str) -> HttpResponse:
    key = get_owned_or_404(request, pk)
    edit = Edit(key, KeyForm.of, submitted_data(request))
    form: KeyForm = edit.form
    if request.method == "POST" and form.is_valid():
        try:
            saved = edit.save(lambda row: keys.update(row, actor=actor_of(request), **form.columns))
        except keys.Ended as error:
            messages.error(request, str(error))
            return redirect("dashboard:api_key", pk=pk)
        if saved:
            name = form.cleaned_data["name"]
            messages.success(request, f"{name} is saved. It holds for the next call already.")
            return redirect("dashboard:api_key", pk=pk)
    return show_form(request, form, edit)


def show_form(request: Request, form: KeyForm, edit: Edit | None = None) -> HttpResponse:
    status = 409 if edit and edit.conflicts else 422 if form.is_bound else 200
    context = {"form": form, "key": form.key, "edit": edit}
    return render(request, "api_keys/form.html", context, status=status)


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
@fresh_login_required
@never_cache
def api_key_rotate(request: Request, pk: str) -> HttpResponse:
    """Create a new token, shown in this response only."""
    key = get_owned_or_404(request, pk)
    form = RotateForm(submitted_data(request))
    if request.method == "POST" and form.is_valid():
        try:
            key, token = keys.rotate(key, actor=actor_of(request), overlap=form.overlap)
        except keys.Ended as error:
            messages.error(request, str(error))
            return redirect("dashboard:api_key", pk=pk)
        context = {"key": key, "token": token, "rotated": True}
        return render(request, "api_keys/token.html", context)
    status = 422 if form.is_bound else 200
    context = {"form": form, "key": key, "reach": reach_of_rotating_key(key)}
    return render(request, "api_keys/rotate.html", context, status=status)


@require_POST
@may(Action.CONFIGURE)
def api_key_end_former(request: Request, pk: str) -> HttpResponse:
    key = keys.end_former_token(get_owned_or_404(request, pk), actor=actor_of(request))
    messages.success(request, f"Only the new token of {key} works from now on.")
    return redirect("dashboard:api_key", pk=pk)


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
def api_key_revoke(request: Request, pk: str) -> HttpResponse:
    key = get_owned_or_404(request, pk)
    if request.method == "POST":
        keys.revoke(key, actor=actor_of(request))
        messages.success(request, f"{key} is revoked. Calls with it are refused from now on.")
        return redirect("dashboard:api_keys")
    return render_question(
        request,
        title=f"Revoke {key.name}?",
        button=f"Revoke {key.name}",
        reach=reach_of_revoking_key(key),
        back=reverse("dashboard:api_key", args=[key.pk]),
    )
