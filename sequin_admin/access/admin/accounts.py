"""Accounts in the staff admin, with the verbs upon them."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from sequin_admin.access import staff
from sequin_admin.access.models import User
from sequin_admin.access.staff_account_verbs import (
    RightsForm,
    activate,
    deactivate,
    remove_second_factors,
    set_rights,
)
from sequin_admin.core.admin import StaffVerb, VerbAdmin


@admin.register(User)
class AccountAdmin(VerbAdmin):
    """Accounts, without the password's hash."""

    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_staff", "is_superuser", "is_active")
    search_fields = UserAdmin.search_fields
    exclude = ("password",)
    verbs = (
        StaffVerb(
            "deactivate",
            "Deactivate",
            deactivate,
            lambda actor, user: user.is_active and staff.manages_account(actor, user),
            text="The person can no longer sign in. Memberships stay as they are.",
        ),
        StaffVerb(
            "activate",
            "Activate",
            activate,
            lambda actor, user: not user.is_active and staff.manages_account(actor, user),
            text="The person can sign in again, with all memberships.",
        ),
        StaffVerb(
            "second-factors",
            "Remove second factors",
            remove_second_factors,
            staff.manages_account,
            text="For a person who lost the device. Make sure that it is them who asks.",
        ),
        StaffVerb(
            "rights",
            "Change staff rights",
            set_rights,
            lambda actor, user: actor.is_superuser and actor != user,
            form=RightsForm,
            text="What the person may do in the staff admin, across all organizations.",
        ),
    )
