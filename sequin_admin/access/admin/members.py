"""Memberships and invitations in the staff admin: to look at."""

from django.contrib import admin

from sequin_admin.access.models import Invitation, Membership
from sequin_admin.core.admin import ReadOnlyAdmin


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """People are invited, given roles and removed by owners."""

    list_display = ("user", "organization", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "organization")
    search_fields = ("user__email", "organization__name")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Invitations, to look at."""

    list_display = (
        *("email", "organization", "role", "invited_by", "sent_at"),
        *("expires_at", "accepted_at", "withdrawn_at"),
    )
    list_select_related = ("organization", "invited_by")
    search_fields = ("email",)
    exclude = ("digest",)
