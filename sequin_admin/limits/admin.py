from django.contrib import admin

from sequin_admin.core.admin import ReadOnlyAdmin
from sequin_admin.limits.models import RateLimit


@admin.register(RateLimit)
class RateLimitAdmin(ReadOnlyAdmin):
    """For staff to look at."""

    list_display = ("credential", "allowed_requests", "interval", "max_concurrent_requests")
    list_select_related = ("credential",)
    search_fields = ("credential__name",)
