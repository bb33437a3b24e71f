"""Editing a credential: its name, metadata, properties and secrets."""

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from sequin_admin.access.policy import Action
from sequin_admin.connect import credential_operations
from sequin_admin.connect.credential_operations import Saved
from sequin_admin.core.actors import actor_of
from sequin_admin.credentials.forms import CredentialForm
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.properties import InvalidEntry
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.edits import Edit
from sequin_admin.dashboard.fresh_login import fresh_login_required, submitted_data
from sequin_admin.dashboard.views.saved_messages import show_notices
from sequin_admin.health import probes


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


def edit_form(credential: Credential, data: QueryDict | None) -> CredentialForm:
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
            credential, form.properties, actor=actor_of(request)
        )
    replaced: list[Saved] = []

    def write(row: Credential) -> None:
        if draft:
            saved = credential_operations.apply_replacement(row, draft, actor=actor_of(request))
            replaced.append(saved)
            row = saved.credential
        credential_operations.update_details(
            row,
            actor=actor_of(request),
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
            probes.verify_entered(saved.credential)
        show_notices(request, form.properties, saved)
    return True
