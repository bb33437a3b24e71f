"""OAuth apps, the registrations at providers: list, add, edit, delete."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from sequin_admin.access.models import Findable
from sequin_admin.access.policy import Action
from sequin_admin.core.actors import actor_of
from sequin_admin.core.counts import count_of
from sequin_admin.credentials import kinds, oauth_apps
from sequin_admin.credentials.forms import OAuthAppForm
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.confirm import delete_or_ask
from sequin_admin.dashboard.csv_export import Columns
from sequin_admin.dashboard.edits import Edit, status_of
from sequin_admin.dashboard.fresh_login import fresh_login_required, submitted_data
from sequin_admin.dashboard.listing import Asked, get_query_param, render_page_or_partial
from sequin_admin.dashboard.named_lists import NamedList
from sequin_admin.dashboard.reach.credentials import reach_of_deleting_oauth_app
from sequin_admin.dashboard.sorting import Sorting
from sequin_admin.dashboard.views.saved_messages import show_notices
from sequin_admin.tokens import protocol

COLUMNS = ("name", "scopes", "redirect_uris", "renewals_per_second", "metadata")


CSV: Columns = {
    "id": lambda row: row.pk,
    "name": lambda row: row.name,
    "provider": lambda row: row.provider,
    "client_id": lambda row: row.client_id,
    "status": lambda row: row.health_status or "unchecked",
    "credentials": lambda row: row.used_by,
    "secret_changed_at": lambda row: row.secrets_changed_at,
    "secret_ends_at": lambda row: row.secret_ends_at,
    "created_at": lambda row: row.created_at,
}


def list_rows(asked: Asked) -> Findable[OAuthApp]:
    used_by = count_of(Credential.objects.all(), "oauth_app")
    return OAuthApp.objects.of(asked.organization).annotate(used_by=used_by).defer("secrets")


LIST = NamedList(
    "oauth_apps",
    list_rows,
    Sorting(
        {
            "provider": ("provider", "name", "id"),
            "name": ("name", "id"),
            "health": ("-health_status", "id"),
            "credentials": ("used_by", "id"),
            "secret": ("secrets_changed_at", "id"),
        },
        "provider",
    ),
    CSV,
    Action.CONFIGURE,
    "oauth_app_picker",
    "an",
)


@require_GET
@may(Action.VIEW)
def index(request: Request) -> HttpResponseBase:
    return LIST.render(request)


@require_GET
@may(Action.CONFIGURE)
def picker(request: Request) -> HttpResponse:
    search = get_query_param(request, "q")
    titles = kinds.providers_by_title()
    providers = [
        (slug, title)
        for slug, title in titles
        if kinds.oauth_of(slug) and search.lower() in title.lower()
    ]
    context = {"providers": providers, "search": search}
    return render_page_or_partial(request, "oauth_apps/picker.html", "tiles", context)


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
@fresh_login_required
def add(request: Request, provider: str) -> HttpResponse:
    declared = kinds.oauth_of(provider)
    if declared is None:
        raise Http404(provider)
    form = OAuthAppForm(declared.app, submitted_data(request))
    if request.method == "POST" and form.is_valid():
        app = oauth_apps.create(
            request.organization,
            provider,
            client_id=form.cleaned_data["client_id"],
            properties=form.properties,
            actor=actor_of(request),
            secret_ends_at=form.secret_ends_at(),
            **{name: form.cleaned_data[name] for name in COLUMNS},
        )
        messages.success(request, f"{app} is saved. Now you can connect accounts with it.")
        show_notices(request, form.properties)
        return redirect("dashboard:oauth_app", pk=app.pk)
    return show_form(request, "oauth_apps/add.html", provider, form)


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
@fresh_login_required
def edit_app(request: Request, pk: str) -> HttpResponse:
    app = get_object_or_404(OAuthApp.objects.of(request.organization), pk=pk)
    edit = Edit(app, OAuthAppForm.of, submitted_data(request))
    form: OAuthAppForm = edit.form
    if request.method == "POST" and form.is_valid():
        columns = {name: form.cleaned_data[name] for name in COLUMNS}
        if edit.save(
            lambda row: oauth_apps.update(
                row,
                actor=actor_of(request),
                properties=form.properties,
                secret_ends_at=form.secret_ends_at(row),
                **columns,
            )
        ):
            messages.success(request, f"{form.cleaned_data['name']} is saved.")
            show_notices(request, form.properties)
            return redirect("dashboard:oauth_app", pk=pk)
    return show_form(request, "oauth_apps/edit.html", app.provider, form, app=app, edit=edit)


def show_form(
    request: Request, template: str, provider: str, form: OAuthAppForm, **more: Any
) -> HttpResponse:
    context = {
        "form": form,
        "provider": provider,
        "kind": kinds.with_app(provider),
        "redirect_uri": protocol.redirect_uri(provider),
        **more,
    }
    status = status_of(form, more.get("edit"))
    return render(request, template, context, status=status)


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
def delete(request: Request, pk: str) -> HttpResponse:
    app = get_object_or_404(OAuthApp.objects.of(request.organization), pk=pk)
    return delete_or_ask(
        request,
        app,
        oauth_apps.delete,
        reach=reach_of_deleting_oauth_app,
        then="dashboard:oauth_apps",
    )
