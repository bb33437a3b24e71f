"""Credentials: choose a kind, add, show, edit."""

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
from sequin_admin.connect.credential_operations import Saved
from sequin_admin.credentials import kinds
from sequin_admin.credentials.forms import CredentialForm
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.properties import InvalidEntry, Properties
from sequin_admin.dashboard import snippets
from sequin_admin.dashboard.access import Request, fresh_login_required, may, submitted_data
from sequin_admin.dashboard.edits import Edit
from sequin_admin.dashboard.listing import render_page_or_partial
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
    """Every kind, grouped by provider."""
    groups = [
        {"provider": slug, "title": title, "kinds": kinds.of_provider(slug)}
        for slug, title in kinds.providers_by_title()
    ]
    return render(request, "credentials/providers.html", {"groups": groups})


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
            actor=request.user,
        )
        contact = form.cleaned_data["contact_email"] or None
        credential = saved.credential
        credential_operations.update_details(credential, actor=request.user, contact_email=contact)
        if saved.needs_probe:
            probes.verify(credential)
        show_saved(request, saved)
        show_notices(request, form.properties, saved)
        return redirect("dashboard:credential", pk=credential.pk)
    redirect_uri = protocol.redirect_uri(declared.provider) if declared.oauth else ""
    context = {"kind": declared, "form": form, "redirect_uri": redirect_uri}
    return render(request, "credentials/add.html", context, status=422 if form.errors else 200)


def show_saved(request: Request, saved: Saved) -> None:
    """Say what was saved."""
    if saved.is_new:
        done = "is saved"
    elif saved.change.names:
        done = "was here already and has what was entered"
    else:
        done = "was here already with the same secrets and properties: they stay as they are"
    messages.success(request, f"{saved.credential} {done}.")


def show_notices(request: Request, properties: Properties, saved: Saved | None = None) -> None:
    """Say what was not taken, what is kept in another form, and what may have been copied along:
    in the order of `notice` in the API, after what was saved."""
    not_taken = [saved.change.notice] if saved and saved.change.notice else []
    for sentence in (*not_taken, *properties.remarks()):
        messages.warning(request, sentence)


@require_GET
@may(Action.VIEW)
def detail(request: Request, pk: str) -> HttpResponse:
    rows = Credential.objects.of(request.organization).select_related("oauth_app", "rate_limit")
    credential = get_object_or_404(rows, pk=pk)
    token = Token.objects.filter(pk=credential.pk).defer("secrets").first()
    context = {
        "credential": credential,
        "properties": list_properties(credential),
        "token": token,
        "attempts": list_refresh_attempts(token) if token else [],
        "limit": limits.get_rate_limit(credential),
        "snippet_groups": snippets.build_snippets(credential, settings.PUBLIC_URL),
        "pending": may_change(credential),
        **health.build_card_context(credential),
        "transitions": Transition.objects.about(credential)[:5],
        "events": Event.objects.of(request.organization.pk).about(credential)[:15],
    }
    return render_page_or_partial(request, "credentials/detail.html", "health", context)


def list_refresh_attempts(token: Token) -> list[dict[str, Any]]:
    """The last refresh attempts for display, newest first."""
    return [
        {
            "number": attempt["fence"],
            "at": datetime.fromisoformat(attempt["at"]),
            "words": describe_attempt(attempt, token),
            "code": attempt.get("code", "") if attempt.get("code") not in RESULT_MESSAGES else "",
        }
        for attempt in reversed(token.journal)
    ]


RESULT_MESSAGES = {
    "ok": "Renewed",
    "unreachable": "No answer came",
    "answer_lost": "The answer of an attempt before was lost, and is not repeated",
}


def describe_attempt(attempt: dict[str, Any], token: Token) -> str:
    code = attempt.get("code")
    if code is None:
        newest = attempt["fence"] == token.lease_fence
        held = newest and token.is_leased()
        return "Under way" if held else "Cut off before an answer was stored"
    return RESULT_MESSAGES.get(code, "Not renewed")


def list_properties(credential: Credential) -> list[dict[str, Any]]:
    """The masked properties for display, in the order of their declaration."""
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
@fresh_login_required
def edit_credential(request: Request, pk: str) -> HttpResponse:
    """Name, metadata and, for kinds with a form, the properties and secrets."""
    credential = get_object_or_404(Credential.objects.of(request.organization), pk=pk)
    edit = Edit(credential, edit_form, submitted_data(request))
    form: CredentialForm = edit.form
    if request.method == "POST" and form.is_valid():
        try:
            saved = update_credential(request, credential, edit)
        except credential_operations.OtherAccount as error:
            form.add_error(None, str(error))
        except InvalidEntry as error:
            for name, sentence in error.sentences.items():
                form.add_error(name if name in form.fields else None, sentence)
        else:
            if saved:
                return redirect("dashboard:credential", pk=pk)
    context = {"credential": credential, "form": form, "edit": edit}
    return render(request, "credentials/edit.html", context, status=edit.status)


def edit_form(credential: Credential, data: Any) -> CredentialForm:
    form = CredentialForm.of(credential, data)
    if not credential.has_form():
        for name in form.names:
            del form.fields[name]
        form.names = ()
    return form


def update_credential(request: Request, credential: Credential, edit: Edit) -> bool:
    """Save what was entered, all or nothing, and say so. False when somebody changed it
    meanwhile."""
    form: CredentialForm = edit.form
    draft = None
    if credential.has_form():
        # Before the row is locked: the provider may be asked whose secrets these are.
        draft = credential_operations.identified_replacement(
            credential, form.properties, actor=request.user
        )
    replaced: list[Saved] = []

    def write(row: Credential) -> None:
        if draft:
            saved = credential_operations.apply_replacement(row, draft, actor=request.user)
            replaced.append(saved)
            row = saved.credential
        credential_operations.update_details(
            row,
            actor=request.user,
            name=form.cleaned_data["display_name"] or None,
            metadata=form.cleaned_data["metadata"],
            contact_email=form.cleaned_data["contact_email"],
        )

    if not edit.save(write):
        return False
    name = form.cleaned_data["display_name"] or str(credential)
    messages.success(request, f"{name} is saved.")
    for saved in replaced:
        if saved.needs_probe:
            probes.verify(saved.credential)
        show_notices(request, form.properties, saved)
    return True
