from django.contrib import admin

from sequin_admin.connect.models import (
    AuthorizationRequest,
    Batch,
    ConnectLink,
    ConnectSession,
)
from sequin_admin.core.admin import ReadOnlyAdmin


@admin.register(ConnectSession)
class ConnectSessionAdmin(ReadOnlyAdmin):
    """Connect sessions, to look at."""

    list_display = ("created_at", "kind", "organization", "user", "credential", "failure")
    list_filter = ("kind", "created_at")
    list_select_related = ("organization", "user", "credential")
    exclude = ("secrets", "session_digest", "state_digest")


@admin.register(ConnectLink)
class ConnectLinkAdmin(ReadOnlyAdmin):
    """Connect links, to look at."""

    list_display = ("created_at", "provider", "name", "organization", "state", "failure")
    list_filter = ("provider", "created_at")
    list_select_related = ("organization",)
    exclude = ("secrets", "token_digest")


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    """Batches, to look at."""

    list_display = ("created_at", "action", "organization", "created_by", "finished_at", "failure")
    list_filter = ("action", "created_at")
    list_select_related = ("organization", "created_by")


@admin.register(AuthorizationRequest)
class AuthorizationRequestAdmin(ReadOnlyAdmin):
    """Authorization requests, to look at."""

    list_display = ("created_at", "kind", "organization", "redirect_url", "exchanged_at")
    list_filter = ("kind", "created_at")
    list_select_related = ("organization",)
    exclude = ("secrets", "token_digest", "session_digest", "code_digest")
