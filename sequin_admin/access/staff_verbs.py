"""What staff do in the staff admin: the form of each verb, and what it says when it is done."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import Group, Permission
from django.core.validators import validate_slug

from sequin_admin.access import staff, staff_access
from sequin_admin.access.models import Organization, StaffAccess, User
from sequin_admin.core.admin import VerbForm


def deactivate(actor: User, user: User, given: dict[str, Any]) -> str:
    staff.set_active(user, False, actor=actor, reason=given["reason"])
    return f"{user} can no longer sign in."


def activate(actor: User, user: User, given: dict[str, Any]) -> str:
    staff.set_active(user, True, actor=actor, reason=given["reason"])
    return f"{user} can sign in again."


def remove_second_factors(actor: User, user: User, given: dict[str, Any]) -> str:
    staff.remove_second_factors(user, actor=actor, reason=given["reason"])
    return f"{user} signs in without a second factor until they set one up."


class RightsForm(VerbForm):
    """Rights of an account in the staff admin."""

    is_staff = forms.BooleanField(required=False, label="Staff: opens the staff admin")
    is_superuser = forms.BooleanField(required=False, label="Superuser: may do everything there")
    permissions = forms.ModelMultipleChoiceField(
        Permission.objects.select_related("content_type"), required=False
    )
    groups = forms.ModelMultipleChoiceField(Group.objects.all(), required=False)

    def __init__(self, data: Any = None, *, row: User) -> None:
        super().__init__(data, row=row)
        self.initial = {
            "is_staff": row.is_staff,
            "is_superuser": row.is_superuser,
            "permissions": row.user_permissions.all(),
            "groups": row.groups.all(),
        }


def set_rights(actor: User, user: User, given: dict[str, Any]) -> str:
    staff.set_rights(user, actor=actor, **given)
    return f"The rights of {user} are changed."


class SlugForm(VerbForm):
    """A new slug for an organization."""

    slug = forms.CharField(max_length=50, validators=[validate_slug])


class DeleteOrganizationForm(VerbForm):
    """Asks for the slug, so that no other organization is deleted by mistake."""

    slug = forms.CharField(label="Its slug, to confirm")

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug != self.row.slug:  # type: ignore[attr-defined]
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


def change_slug(actor: User, organization: Organization, given: dict[str, Any]) -> str:
    staff.change_slug(organization, given["slug"], actor=actor, reason=given["reason"])
    return f"The slug of {organization} is {given['slug']}."


def delete_organization(actor: User, organization: Organization, given: dict[str, Any]) -> str:
    staff.delete_organization(organization, actor=actor, reason=given["reason"])
    return f"{organization} is deleted. Its audit log is kept."


def open_access(actor: User, organization: Organization, given: dict[str, Any]) -> str:
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


def end_access(actor: User, access: StaffAccess, given: dict[str, Any]) -> str:
    staff_access.end_access(access, actor=actor)
    return f"{access} has ended."
