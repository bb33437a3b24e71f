from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from sequin_admin.core.admin import ReadOnlyAdmin
from sequin_admin.syncs.models import Collection, Consumer, Refresh, Run, Stream, Sync, Target


@admin.register(Target)
class TargetAdmin(ReadOnlyAdmin):
    """Without the encrypted password, which staff don't need."""

    list_display = ("name", "organization", "address", "health_status")
    list_filter = ("health_status", "ssl_mode")
    search_fields = ("name", "host", "organization__name")
    list_select_related = ("organization",)
    exclude = ("secrets",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        return super().get_queryset(request).defer("secrets")


@admin.register(Stream)
class StreamAdmin(ReadOnlyAdmin):
    """Streams, to look at."""

    list_display = ("slug", "organization", "created_at")
    search_fields = ("slug", "organization__name")
    list_select_related = ("organization",)


@admin.register(Sync)
class SyncAdmin(ReadOnlyAdmin):
    """Without the badge's token, as it gives access to the badge."""

    list_display = ("name", "provider", "organization", "stream", "health_status", "last_report_at")
    list_filter = ("provider", "health_status")
    search_fields = ("name", "external_id", "organization__name", "stream__slug")
    list_select_related = ("organization", "stream")
    exclude = ("badge_token",)


@admin.register(Consumer)
class ConsumerAdmin(ReadOnlyAdmin):
    """Consumers, to look at."""

    list_display = ("name", "organization", "target", "health_status")
    list_filter = ("health_status",)
    search_fields = ("name", "organization__name")
    list_select_related = ("organization", "target")


@admin.register(Collection)
class CollectionAdmin(ReadOnlyAdmin):
    """Collections, to look at."""

    list_display = ("collection_id", "name", "credential")
    search_fields = ("collection_id", "name")
    list_select_related = ("credential",)


@admin.register(Refresh)
class RefreshAdmin(ReadOnlyAdmin):
    """Refreshes of collections, to look at."""

    list_display = ("credential", "status", "last_started_at", "last_succeeded_at")
    list_filter = ("status",)
    list_select_related = ("credential",)


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Runs of syncs, to look at."""

    list_display = ("sync", "consumer", "status", "started_at", "ended_at", "rows_read")
    list_filter = ("status",)
    search_fields = ("sync__name", "organization__name")
    list_select_related = ("sync", "consumer")
