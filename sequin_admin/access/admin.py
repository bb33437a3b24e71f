from allauth.mfa.admin import AuthenticatorAdmin
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import Model
from django.http import HttpRequest

from sequin_admin.access.models import ApiKey, Invitation, Membership, Organization, User
from sequin_admin.core import clock
from sequin_admin.core.admin import ReadOnlyAdmin

admin.site.register(User, UserAdmin)
# allauth's own admin page of second factors shows their secrets.
admin.site.unregister(Authenticator)


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Organization)
class OrganizationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "slug", "created_at")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (MembershipInline,)


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = (
        *("email", "organization", "role", "invited_by", "sent_at"),
        *("expires_at", "accepted_at", "withdrawn_at"),
    )
    list_select_related = ("organization", "invited_by")
    search_fields = ("email",)
    exclude = ("digest",)


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
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
class SecondFactorAdmin(AuthenticatorAdmin):  # type: ignore[misc]
    """Read-only, except that staff may delete the second factor of a user who lost the device."""

    exclude = ("data",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
