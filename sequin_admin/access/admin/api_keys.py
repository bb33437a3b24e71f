"""API keys in the staff admin: to look at."""

from django.contrib import admin

from sequin_admin.access.models import ApiKey
from sequin_admin.core import clock
from sequin_admin.core.admin import ReadOnlyAdmin


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
