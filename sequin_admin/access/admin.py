"""Staff admin of accounts and organizations: read-only rows, and audited verbs upon them."""

from allauth.account.admin import EmailAddressAdmin
from allauth.account.models import EmailAddress
from allauth.mfa.admin import AuthenticatorAdmin
from allauth.mfa.models import Authenticator
from allauth.usersessions.admin import UserSessionAdmin
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group

from sequin_admin.access import staff
from sequin_admin.access.models import (
    ApiKey,
    Invitation,
    Membership,
    Organization,
    StaffAccess,
    User,
)
from sequin_admin.access.staff_verbs import (
    AccessForm,
    DeleteOrganizationForm,
    RightsForm,
    SlugForm,
    activate,
    change_slug,
    deactivate,
    delete_organization,
    end_access,
    open_access,
    remove_second_factors,
    set_rights,
)
from sequin_admin.core import clock
from sequin_admin.core.admin import ReadOnlyAdmin, StaffVerb, VerbAdmin, VerbForm

# Their own admin pages write rows without a trace; those of second factors and of login sessions
# show secrets.
for model in (Authenticator, EmailAddress, Group, UserSession):
    admin.site.unregister(model)


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


@admin.register(Organization)
class OrganizationAdmin(VerbAdmin):
    """Organizations, with what staff may do to them."""

    list_display = ("name", "slug", "created_at")
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
            "delete",
            "Delete the organization",
            delete_organization,
            lambda actor, organization: actor.is_superuser,
            form=DeleteOrganizationForm,
            text="Its credentials, OAuth apps, syncs, targets, links, API keys and memberships are "
            "deleted for good. Accounts and the audit log stay.",
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


@admin.register(UserSession)
class LoginSessionAdmin(ReadOnlyAdmin):
    """Login sessions, without what opens them."""

    list_display = UserSessionAdmin.list_display
    list_select_related = ("user",)
    search_fields = UserSessionAdmin.search_fields
    exclude = ("session_key", "data")


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


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """API keys, to look at."""

    list_display = (
        *("name", "organization", "prefix", "state_now", "scopes", "networks"),
        *("requests_per_minute", "last_used_at", "expires_at"),
    )
    list_filter = ("revoked_at",)
    list_select_related = ("organization",)
    search_fields = ("name", "prefix", "former_prefix")
    exclude = ("digest", "former_digest")

    @admin.display(description="state")
    def state_now(self, key: ApiKey) -> str:
        return str(key.state(clock.now()).label)


@admin.register(Authenticator)
class SecondFactorAdmin(ReadOnlyAdmin):
    """Removed by the verb of an account."""

    list_display = AuthenticatorAdmin.list_display
    list_filter = AuthenticatorAdmin.list_filter
    exclude = ("data",)


@admin.register(EmailAddress)
class ConfirmedAddressAdmin(ReadOnlyAdmin):
    """An address is confirmed by a mail to it, and by nobody here."""

    list_display = EmailAddressAdmin.list_display
    list_filter = EmailAddressAdmin.list_filter
    search_fields = ("email",)
    list_select_related = ("user",)


@admin.register(Group)
class StaffGroupAdmin(ReadOnlyAdmin):
    """Groups from before. Permissions are given to accounts, by the verb of an account."""

    search_fields = GroupAdmin.search_fields
