"""Credentials: choose a kind, and add one."""

from collections.abc import Iterable

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from sequin_admin.access.policy import Action
from sequin_admin.connect import credential_operations
from sequin_admin.core.actors import actor_of
from sequin_admin.credentials import kinds
from sequin_admin.credentials.forms import CredentialForm
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.listing import get_query_param, render_page_or_partial
from sequin_admin.dashboard.views.saved_messages import show_notices, show_saved
from sequin_admin.health import probes
from sequin_admin.tokens import protocol


@require_GET
@may(Action.EDIT)
def providers(request: Request) -> HttpResponse:
    """Every kind that matches the search, grouped by provider."""
    search = get_query_param(request, "q")
    groups = [
        {"provider": slug, "title": title, "kinds": kinds.of_provider(slug)}
        for slug, title in kinds.providers_by_title()
        if is_kind_named(search, title, kinds.of_provider(slug))
    ]
    context = {"groups": groups, "search": search}
    return render_page_or_partial(request, "credentials/providers.html", "tiles", context)


def is_kind_named(search: str, title: str, offered: Iterable[type[Credential]]) -> bool:
    """Whether every word is in the provider's title or in what one of its kinds is called."""
    named = " ".join([title, *(kind.full_title() for kind in offered)]).lower()
    return all(word in named for word in search.lower().split())


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def add(request: Request, kind: str) -> HttpResponse:
    """The form of a kind that has one; other kinds redirect to the connect page."""
    declared = kinds.find(kind)
    if declared is None:
        raise Http404(kind)
    if not declared.has_form():
        return redirect("dashboard:connect", kind=kind)
    form = CredentialForm(declared.properties_class, request.POST or None)
    if request.method == "POST" and form.is_valid():
        saved = credential_operations.save_credential(
            request.organization,
            form.properties,
            name=form.cleaned_data["display_name"],
            metadata=form.cleaned_data["metadata"] or None,
            actor=actor_of(request),
        )
        contact = form.cleaned_data["contact_email"] or None
        credential = saved.credential
        credential_operations.update_details(
            credential, actor=actor_of(request), contact_email=contact
        )
        if saved.needs_probe:
            probes.verify_entered(credential)
        show_saved(request, saved)
        show_notices(request, form.properties, saved)
        return redirect("dashboard:credential", pk=credential.pk)
    redirect_uri = protocol.redirect_uri(declared.provider) if declared.oauth else ""
    context = {"kind": declared, "form": form, "redirect_uri": redirect_uri}
    return render(request, "credentials/add.html", context, status=422 if form.errors else 200)
