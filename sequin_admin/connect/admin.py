from django.contrib import admin

from sequin_admin.connect.models import Attempt, Token
from sequin_admin.core.admin import ReadOnlyAdmin


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "kind", "organization", "user", "credential", "failure")
    list_filter = ("kind", "created_at")
    list_select_related = ("organization", "user", "credential")
    exclude = ("secrets", "session_digest", "state_digest")


@admin.register(Token)
class TokenAdmin(ReadOnlyAdmin):
    list_display = ("credential", "expires_at", "refresh_at", "failures", "next_try_at")
    list_select_related = ("credential",)
    exclude = ("secrets",)
