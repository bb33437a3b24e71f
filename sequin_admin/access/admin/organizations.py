"""Organizations in the staff admin, and the access of staff to them."""

from django.contrib import admin

from sequin_admin.access.models import Organization, StaffAccess
from sequin_admin.access.staff_organization_verbs import (
    AccessForm,
    EndOrganizationForm,
    SlugForm,
    change_slug,
    end_access,
    end_organization,
    keep_organization,
    open_access,
)
from sequin_admin.core.admin import StaffVerb, VerbAdmin, VerbForm


@admin.register(Organization)
class OrganizationAdmin(VerbAdmin):
    """Organizations, with what staff may do to them."""

    list_display = ("name", "slug", "created_at", "ends_at")
    search_fields = ("name", "slug")
    verbs = (
        StaffVerb(
            "access",
            "Open staff access",
            open_access,
            lambda actor, organization: actor.has_perm("access.add_staffaccess"),
            form=AccessForm,
            text="The dashboard shows you this organization's pages. Its owners are mailed and can "
            "end it. Secrets, members and API keys stay closed; everything you do is logged.",
        ),
        StaffVerb(
            "slug",
            "Change the slug",
            change_slug,
            lambda actor, organization: actor.has_perm("access.change_organization"),
            form=SlugForm,
        ),
        StaffVerb(
            "end",
            "End the organization",
            end_organization,
            lambda actor, organization: actor.is_superuser and not organization.ends_at,
            form=EndOrganizationForm,
            text="Its owners are mailed, and can undo it until its time has come. Then access is "
            "given back at the providers, and all of it is erased, with its audit log.",
        ),
        StaffVerb(
            "keep",
            "Keep the organization",
            keep_organization,
            lambda actor, organization: actor.is_superuser and bool(organization.ends_at),
        ),
    )


class EndForm(VerbForm):
    """Ending access needs no reason."""

    reason = None  # type: ignore[assignment]


@admin.register(StaffAccess)
class StaffAccessAdmin(VerbAdmin):
    """Opened by the verb of an organization."""

    list_display = ("organization", "user", "may_edit", "opened_at", "expires_at", "ended_at")
    list_select_related = ("organization", "user")
    search_fields = ("organization__name", "user__email", "reason")
    verbs = (
        StaffVerb(
            "end",
            "End it",
            end_access,
            lambda actor, access: (
                access.is_open and (actor.is_superuser or access.user_id == actor.pk)
            ),
            form=EndForm,
        ),
    )
