"""The current organization: name, logo and staff access, and switching to another one."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from sequin_admin.access import organizations, staff_access
from sequin_admin.access.models import Logo, Organization, StaffAccess
from sequin_admin.access.policy import Action
from sequin_admin.audit.repeats import record_repeatable
from sequin_admin.core.actors import Actor, actor_of
from sequin_admin.core.forms import NameField
from sequin_admin.dashboard.access import Request, may, member_anywhere
from sequin_admin.dashboard.edits import Edit
from sequin_admin.dashboard.fresh_login import fresh_login_required, submitted_data
from sequin_admin.dashboard.middleware import ORGANIZATION_SESSION_KEY

STAFF_ACCESSES = 20


@require_POST
@member_anywhere
def switch_organization(request: Request) -> HttpResponse:
    """Show another organization of the user from now on, also from one that is closed to the
    sign-in. Raises `Http404`."""
    chosen = request.POST.get("organization", "")
    if chosen not in {str(membership.organization_id) for membership in request.memberships}:
        raise Http404("You are not a member of this organization.")
    request.session[ORGANIZATION_SESSION_KEY] = chosen
    row = next(m.organization for m in request.memberships if str(m.organization_id) == chosen)
    if row != request.organization:
        record_repeatable(
            row, "organization.switched_to", actor_of(request), organization_id=row.pk
        )
    return redirect("dashboard:overview")


class OrganizationForm(forms.Form):
    """`kept` stands for the logo, of which the page shows that there is one."""

    kept: Mapping[str, str] = {}

    name = NameField(
        max_length=100, help_text="Customers see it when you ask them to connect an account."
    )
    logo = forms.FileField(
        required=False,
        help_text="Shown beside the name. A square PNG, JPEG or WebP of up to 2 MB.",
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
    remove_logo = forms.BooleanField(required=False, label="Remove the logo")

    def clean_logo(self) -> bytes | None:
        file: UploadedFile[bytes] | None = self.cleaned_data["logo"]
        if file is None:
            return None
        try:
            return organizations.normalize_logo(file, file.size or 0)
        except organizations.BadPicture as error:
            raise forms.ValidationError(str(error)) from None


@require_http_methods(["GET", "POST"])
@may(Action.MANAGE)
@fresh_login_required
def edit_organization(request: Request) -> HttpResponseBase:
    organization = request.organization
    edit = Edit(organization, build_form(request), submitted_data(request))
    form: OrganizationForm = edit.form
    if (
        request.method == "POST"
        and form.is_valid()
        and edit.save(lambda row: save_changes(row, form.cleaned_data, actor=actor_of(request)))
    ):
        messages.success(request, f"{form.cleaned_data['name']} is saved.")
        return redirect("dashboard:organization")
    accesses = StaffAccess.objects.of(organization).select_related("user")
    context = {
        "form": form,
        "edit": edit,
        "accesses": accesses.order_by("-opened_at")[:STAFF_ACCESSES],
    }
    return render(request, "organization/edit.html", context, status=edit.status)


def build_form(request: Request) -> Callable[[Organization, QueryDict | None], OrganizationForm]:
    def build(organization: Organization, data: QueryDict | None) -> OrganizationForm:
        files = request.FILES or None if data else None
        form = OrganizationForm(data, files, initial={"name": organization.name})
        logo = Logo.objects.filter(pk=organization.pk).values_list("changed_at").first()
        form.kept = {"logo": str(logo), "remove_logo": str(logo)}
        return form

    return build


@require_POST
@may(Action.MANAGE)
def staff_access_end(request: Request, pk: str) -> HttpResponse:
    rows = StaffAccess.objects.of(request.organization).select_related("user", "organization")
    access = get_object_or_404(rows, pk=pk)
    staff_access.end_access(access, actor=actor_of(request))
    messages.success(request, f"{access.user} no longer has access to {request.organization}.")
    return redirect("dashboard:organization")


def save_changes(organization: Organization, given: dict[str, Any], *, actor: Actor) -> None:
    organizations.rename(organization, given["name"], actor=actor)
    if given["logo"]:
        organizations.set_logo(organization, given["logo"], actor=actor)
    elif given["remove_logo"]:
        organizations.remove_logo(organization, actor=actor)
