"""What staff do to organizations in the staff admin: forms, and what is said when it is done."""

from datetime import timedelta
from typing import Any, cast

from django import forms
from django.core.validators import validate_slug

from sequin_admin.access import staff, staff_access
from sequin_admin.access.endings import describe_end
from sequin_admin.access.models import Organization, StaffAccess
from sequin_admin.core.actors import Actor
from sequin_admin.core.admin import VerbForm


class SlugForm(VerbForm):
    """A new slug for an organization."""

    slug = forms.CharField(max_length=50, validators=[validate_slug])


class EndOrganizationForm(VerbForm):
    """Asks for the slug, so that no other organization is ended by mistake."""

    slug = forms.CharField(label="Its slug, to confirm")

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug != cast(Organization, self.row).slug:
            raise forms.ValidationError("This is not the slug of this organization.")
        return slug


class AccessForm(VerbForm):
    """For how long staff gets access to an organization, and whether to edit."""

    hours = forms.TypedChoiceField(
        choices=[(1, "1 hour"), (2, "2 hours"), (4, "4 hours")], coerce=int, initial=1
    )
    may_edit = forms.BooleanField(
        required=False, label="Editing too: connect, change and delete, as a member may"
    )


def change_slug(actor: Actor, organization: Organization, given: dict[str, Any]) -> str:
    staff.change_slug(organization, given["slug"], actor=actor, reason=given["reason"])
    return f"The slug of {organization} is {given['slug']}."


def end_organization(actor: Actor, organization: Organization, given: dict[str, Any]) -> str:
    staff.end_organization(organization, actor=actor, reason=given["reason"])
    return f"The owners are mailed. {describe_end(organization)}"


def keep_organization(actor: Actor, organization: Organization, given: dict[str, Any]) -> str:
    staff.keep_organization(organization, actor=actor, reason=given["reason"])
    return f"{organization} stays."


def open_access(actor: Actor, organization: Organization, given: dict[str, Any]) -> str:
    access = staff_access.open_access(
        organization,
        actor=actor,
        reason=given["reason"],
        duration=timedelta(hours=given["hours"]),
        may_edit=given["may_edit"],
    )
    return (
        f"The owners are mailed. Choose {organization} in the dashboard, until "
        f"{access.expires_at:%H:%M} UTC."
    )


def end_access(actor: Actor, access: StaffAccess, given: dict[str, Any]) -> str:
    staff_access.end_access(access, actor=actor)
    return f"{access} has ended."
