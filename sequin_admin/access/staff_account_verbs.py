"""What staff do to accounts in the staff admin: forms, and what is said when it is done."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group, Permission
from django.http import QueryDict

from sequin_admin.access import staff
from sequin_admin.access.models import User
from sequin_admin.core.actors import Actor
from sequin_admin.core.admin import VerbForm


def deactivate(actor: Actor, user: User, given: dict[str, Any]) -> str:
    staff.set_active(user, False, actor=actor, reason=given["reason"])
    return f"{user} can no longer sign in."


def activate(actor: Actor, user: User, given: dict[str, Any]) -> str:
    staff.set_active(user, True, actor=actor, reason=given["reason"])
    return f"{user} can sign in again."


def remove_second_factors(actor: Actor, user: User, given: dict[str, Any]) -> str:
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

    def __init__(self, data: QueryDict | None = None, *, row: User) -> None:
        super().__init__(data, row=row)
        self.initial = {
            "is_staff": row.is_staff,
            "is_superuser": row.is_superuser,
            "permissions": row.user_permissions.all(),
            "groups": row.groups.all(),
        }


def set_rights(actor: Actor, user: User, given: dict[str, Any]) -> str:
    staff.set_rights(user, actor=actor, **given)
    return f"The rights of {user} are changed."
