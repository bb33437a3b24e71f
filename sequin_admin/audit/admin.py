from django.contrib import admin

from sequin_admin.audit.models import Event
from sequin_admin.core.admin import ReadOnlyAdmin


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """The audit log, to look at."""

    list_display = ("at", "actor", "action", "target", "organization_id")
    list_filter = ("action", "target_type", "at")
    search_fields = ("actor", "target", "target_id")
    show_full_result_count = False
