from django.contrib import admin

from sequin_admin.core.admin import ReadOnlyAdmin
from sequin_admin.health.models import Check, Transition, WorkerProcess


@admin.register(Check)
class CheckAdmin(ReadOnlyAdmin):
    list_display = ("name", "credential", "oauth_app", "verdict", "code", "last_seen_at", "times")
    list_filter = ("verdict", "code")
    list_select_related = ("credential", "oauth_app")


@admin.register(Transition)
class TransitionAdmin(ReadOnlyAdmin):
    list_display = ("at", "credential", "oauth_app", "before", "after", "code")
    list_filter = ("after", "at")
    list_select_related = ("credential", "oauth_app")


@admin.register(WorkerProcess)
class WorkerProcessAdmin(ReadOnlyAdmin):
    list_display = ("hostname", "pid", "threads", "started_at", "beat_at", "stopping")
