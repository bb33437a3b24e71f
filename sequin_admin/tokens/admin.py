from django.contrib import admin

from sequin_admin.core.admin import ReadOnlyAdmin
from sequin_admin.tokens.models import Token


@admin.register(Token)
class TokenAdmin(ReadOnlyAdmin):
    """When access tokens expire and are refreshed, without the tokens."""

    list_display = ("credential", "expires_at", "refresh_at", "failures", "next_try_at")
    list_select_related = ("credential",)
    exclude = ("secrets",)
