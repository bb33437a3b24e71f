"""Credentials: the list, the way to a new one, one of them in full, its form."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from sequin_admin.access.policy import Action
from sequin_admin.audit.models import Event
from sequin_admin.connect import accounts, flow, oauth
from sequin_admin.connect.models import Token
from sequin_admin.credentials import kinds
from sequin_admin.credentials.forms import ConnectForm, CredentialForm
from sequin_admin.credentials.models import Credential, CredentialQuerySet, OAuthApp
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.views.limits import LimitForm
from sequin_admin.health import probes
from sequin_admin.health.status import Status
from sequin_admin.limits import models as limits

ROWS = 50
SORTS = {
    "newest": ("-created_at", "-id"),
    "name": ("name", "id"),
    "checked": ("-checked_at", "-id"),
}


@require_GET
@may(Action.VIEW)
def index(request: Request) -> HttpResponse:
    """The list. Search, filters and order live in the address bar."""
    rows = filtered(Credential.objects.of(request.organization), request.GET)
    order = SORTS.get(request.GET.get("sort", ""), SORTS["newest"])
    listed = rows.select_related("token", "rate_limit").defer("secrets", "token__secrets")
    page = Paginator(listed.order_by(*order), ROWS).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "filters": filters_of(request),
        "sort": request.GET.get("sort", "newest"),
        "search": request.GET.get("q", ""),
        "narrowed": any(request.GET.get(n) for n in ("q", "provider", "kind", "health")),
    }
    fragment = "#table" if request.htmx and not request.htmx.boosted else ""
    return render(request, f"credentials/index.html{fragment}", context)


def filtered(rows: CredentialQuerySet, query: Any) -> CredentialQuerySet:
    if query.get("q"):
        rows = rows.matching(query["q"])
    if query.get("provider"):
        rows = rows.of_provider(query["provider"])
    if query.get("kind"):
        rows = rows.filter(kind=query["kind"])
    health = query.get("health")
    if health == "disabled":
        return rows.filter(disabled_at__isnull=False)
    if health == "unchecked":
        return rows.active().filter(health_status="")
    return rows.active().filter(health_status=health) if health else rows


def filters_of(request: Request) -> list[dict[str, Any]]:
    """The choices of each filter, for the selects above the list."""
    health = [*Status.choices, ("unchecked", "Not checked yet"), ("disabled", "Disabled")]
    choices = {
        "provider": ("Provider", sorted(kinds.providers().items(), key=lambda pair: pair[1])),
        "kind": ("Kind", sorted(kinds.choices(), key=lambda pair: pair[1].lower())),
        "health": ("Health", health),
        "sort": ("Order", [("newest", "Newest"), ("name", "Name"), ("checked", "Last checked")]),
    }
    return [
        {"name": name, "label": label, "options": options, "chosen": request.GET.get(name, "")}
        for name, (label, options) in choices.items()
    ]


@require_GET
@may(Action.EDIT)
def providers(request: Request) -> HttpResponse:
    """The picker: every kind, grouped by provider."""
    groups = [
        {"provider": slug, "title": title, "kinds": kinds.of_provider(slug)}
        for slug, title in sorted(kinds.providers().items(), key=lambda pair: pair[1].lower())
    ]
    return render(request, "credentials/providers.html", {"groups": groups})


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def add(request: Request, kind: str) -> HttpResponse:
    """The form of a key, or the page that leads to a provider's consent page."""
    declared = kinds.get(kind)
    if declared is None:
        raise Http404(kind)
    if declared.oauth:
        return redirect("dashboard:connect", kind=kind)
    form = CredentialForm(declared.properties_class, request.POST or None)
    if request.method == "POST" and form.is_valid():
        credential, created = accounts.save(
            request.organization,
            form.properties,
            name=form.cleaned_data["display_name"],
            metadata=form.cleaned_data["metadata"] or None,
            actor=request.user,
        )
        probes.verify(credential)
        done = "is saved" if created else "was here already and has the new secret"
        messages.success(request, f"{credential} {done}.")
        return redirect("dashboard:credential", pk=credential.pk)
    context = {"kind": declared, "form": form}
    return render(request, "credentials/add.html", context, status=422 if form.errors else 200)


@require_GET
@may(Action.VIEW)
def detail(request: Request, pk: str) -> HttpResponse:
    rows = Credential.objects.of(request.organization).select_related("oauth_app", "rate_limit")
    credential = get_object_or_404(rows, pk=pk)
    limit = limits.of(credential)
    context = {
        "credential": credential,
        "properties": shown_properties(credential),
        "token": Token.objects.filter(pk=credential.pk).defer("secrets").first(),
        "limit": limit,
        "limit_form": LimitForm(instance=limit),
        "checks": credential.checks.all(),
        "transitions": credential.transitions.all()[:10],
        "events": Event.objects.of(request.organization.pk).about(credential)[:15],
    }
    return render(request, "credentials/detail.html", context)


def shown_properties(credential: Credential) -> list[dict[str, Any]]:
    """The masked properties with their titles, in the order of the declaration."""
    declared, masked = credential.properties_class, credential.masked_properties()
    return [
        {
            "name": name,
            "title": declared.model_fields[name].title or name,
            "value": masked[name],
            "secret": declared.is_secret(name),
            "list": isinstance(masked[name], list),
        }
        for name in declared.names()
        if name in masked
    ]


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def edit(request: Request, pk: str) -> HttpResponse:
    """Name, metadata and, for kinds without a connect flow, the properties and secrets."""
    credential = get_object_or_404(Credential.objects.of(request.organization), pk=pk)
    form = edit_form(credential, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            change(request, credential, form)
        except accounts.OtherAccount as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{credential} is saved.")
            return redirect("dashboard:credential", pk=pk)
    context = {"credential": credential, "form": form}
    return render(request, "credentials/edit.html", context, status=422 if form.errors else 200)


def edit_form(credential: Credential, data: Any) -> CredentialForm:
    form = CredentialForm.of(credential, data)
    if credential.oauth:
        for name in form.names:
            del form.fields[name]
        form.names = ()
    return form


def change(request: Request, credential: Credential, form: CredentialForm) -> None:
    if not credential.oauth:
        accounts.replace_secrets(credential, form.properties, actor=request.user)
    accounts.rename(
        credential,
        actor=request.user,
        name=form.cleaned_data["display_name"] or None,
        metadata=form.cleaned_data["metadata"],
    )
    if not credential.oauth:
        probes.verify(credential)


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def connect(request: Request, kind: str) -> HttpResponse:
    """The page before the provider's consent page; its button sends the browser there."""
    declared = kinds.get(kind)
    if declared is None or not declared.oauth:
        raise Http404(kind)
    apps = OAuthApp.objects.of(request.organization).filter(provider=declared.provider)
    form = ConnectForm(declared, apps.order_by("name"), request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect(
            flow.start(
                request.organization,
                declared,
                user=request.user,
                session_key=request.session.session_key or "",
                oauth_app=form.cleaned_data.get("oauth_app"),
                asked={n: v for n, v in form.cleaned_data.items() if n in declared.oauth.asks},
                name=form.cleaned_data["display_name"],
            )
        )
    context = {
        "kind": declared,
        "form": form,
        "missing_app": declared.client_is_ours() and not apps.exists(),
        "redirect_uri": oauth.redirect_uri(declared.provider),
    }
    return render(request, "credentials/connect.html", context, status=422 if form.errors else 200)
