from django.contrib import admin

from sequin_admin.core.admin import ReadOnlyAdmin
from sequin_admin.health.models import Check, Incident, Transition, WorkerProcess


@admin.register(Check)
class CheckAdmin(ReadOnlyAdmin):
    list_display = ("check_name", "entity", "name", "verdict", "code", "last_seen_at", "times")
    list_filter = ("entity", "verdict", "provider")
    search_fields = ("name", "code")


@admin.register(Transition)
class TransitionAdmin(ReadOnlyAdmin):
    list_display = ("at", "entity", "name", "before", "after", "code")
    list_filter = ("entity", "after", "at")
    search_fields = ("name", "code")


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    list_display = ("opened_at", "entity", "name", "status", "code", "affected", "resolved_at")
    list_filter = ("status", "entity", "provider", "opened_at")
    search_fields = ("name", "code")


@admin.register(WorkerProcess)
class WorkerProcessAdmin(ReadOnlyAdmin):
    list_display = ("hostname", "pid", "threads", "started_at", "beat_at", "stopping")
