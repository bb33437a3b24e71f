"""Credentials: the way to a new one, one of them in full, its form."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from sequin_admin.access.policy import Action
from sequin_admin.audit.models import Event
from sequin_admin.connect import credential_operations
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.forms import CredentialForm
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard import snippets
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.listing import page_or_part
from sequin_admin.dashboard.views import health
from sequin_admin.dashboard.views.badges import may_change
from sequin_admin.health import probes
from sequin_admin.health.models import Transition
from sequin_admin.limits import models as limits
from sequin_admin.tokens import protocol
from sequin_admin.tokens.models import Token


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
    if not declared.has_form():
        return redirect("dashboard:connect", kind=kind)
    form = CredentialForm(declared.properties_class, request.POST or None)
    if request.method == "POST" and form.is_valid():
        credential, created = credential_operations.save_credential(
            request.organization,
            form.properties,
            name=form.cleaned_data["display_name"],
            metadata=form.cleaned_data["metadata"] or None,
            actor=request.user,
        )
        contact = form.cleaned_data["contact_email"] or None
        credential_operations.rename(credential, actor=request.user, contact_email=contact)
        probes.verify(credential)
        done = "is saved" if created else "was here already and has the new secret"
        messages.success(request, f"{credential} {done}.")
        return redirect("dashboard:credential", pk=credential.pk)
    redirect_uri = protocol.redirect_uri(declared.provider) if declared.oauth else ""
    context = {"kind": declared, "form": form, "redirect_uri": redirect_uri}
    return render(request, "credentials/add.html", context, status=422 if form.errors else 200)


@require_GET
@may(Action.VIEW)
def detail(request: Request, pk: str) -> HttpResponse:
    rows = Credential.objects.of(request.organization).select_related("oauth_app", "rate_limit")
    credential = get_object_or_404(rows, pk=pk)
    token = Token.objects.filter(pk=credential.pk).defer("secrets").first()
    context = {
        "credential": credential,
        "properties": shown_properties(credential),
        "token": token,
        "attempts": shown_attempts(token) if token else [],
        "limit": limits.of(credential),
        "ways": snippets.of(credential, settings.PUBLIC_URL),
        "pending": may_change(credential),
        **health.card(credential),
        "transitions": Transition.objects.about(credential)[:5],
        "events": Event.objects.of(request.organization.pk).about(credential)[:15],
    }
    return page_or_part(request, "credentials/detail.html", "health", context)


def shown_attempts(token: Token) -> list[dict[str, Any]]:
    """The journal of renewals, newest first, in words."""
    return [
        {
            "number": attempt["fence"],
            "at": datetime.fromisoformat(attempt["at"]),
            "words": how_it_ended(attempt, token),
            "code": attempt.get("code", "") if attempt.get("code") not in SAID else "",
        }
        for attempt in reversed(token.journal)
    ]


SAID = {
    "ok": "Renewed",
    "unreachable": "No answer came",
    "answer_lost": "The answer of an attempt before was lost, and is not repeated",
}


def how_it_ended(attempt: dict[str, Any], token: Token) -> str:
    code = attempt.get("code")
    if code is None:
        newest = attempt["fence"] == token.lease_fence
        held = newest and token.lease_until is not None and token.lease_until > clock.now()
        return "Under way" if held else "Cut off before an answer was stored"
    return SAID.get(code, "Not renewed")


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
    """Name, metadata and, for kinds with a form, the properties and secrets."""
    credential = get_object_or_404(Credential.objects.of(request.organization), pk=pk)
    form = edit_form(credential, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            change(request, credential, form)
        except credential_operations.OtherAccount as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{credential} is saved.")
            return redirect("dashboard:credential", pk=pk)
    context = {"credential": credential, "form": form}
    return render(request, "credentials/edit.html", context, status=422 if form.errors else 200)


def edit_form(credential: Credential, data: Any) -> CredentialForm:
    form = CredentialForm.of(credential, data)
    if not credential.has_form():
        for name in form.names:
            del form.fields[name]
        form.names = ()
    return form


def change(request: Request, credential: Credential, form: CredentialForm) -> None:
    if credential.has_form():
        credential_operations.replace_secrets(credential, form.properties, actor=request.user)
    credential_operations.rename(
        credential,
        actor=request.user,
        name=form.cleaned_data["display_name"] or None,
        metadata=form.cleaned_data["metadata"],
        contact_email=form.cleaned_data["contact_email"],
    )
    if credential.has_form():
        probes.verify(credential)
