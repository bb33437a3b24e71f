from django.contrib import admin

from sequin_admin.core.admin import ReadOnlyAdmin
from sequin_admin.notifications.models import Channel, Delivery


@admin.register(Channel)
class ChannelAdmin(ReadOnlyAdmin):
    """Channels, to look at, without their secrets."""

    list_display = ("name", "kind", "organization", "min_severity", "enabled", "disabled_reason")
    list_filter = ("kind", "enabled")
    list_select_related = ("organization",)
    exclude = ("secrets",)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Deliveries, to look at."""

    list_display = (
        "created_at",
        "type",
        "organization",
        "channel",
        "state",
        "attempts",
        "last_error",
    )
    list_filter = ("state", "type", "created_at")
    list_select_related = ("organization", "channel")
    exclude = ("secrets",)
