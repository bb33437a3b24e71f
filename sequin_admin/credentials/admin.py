from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from sequin_admin.core.admin import ReadOnlyAdmin
from sequin_admin.credentials.models import GatewaySecret, OAuthApp


@admin.register(OAuthApp)
class OAuthAppAdmin(ReadOnlyAdmin):
    """Read-only list of OAuth apps. The encrypted secrets are neither loaded nor shown."""

    list_display = ("name", "provider", "organization", "client_id", "health_status")
    list_filter = ("provider", "health_status")
    search_fields = ("name", "client_id", "organization__name")
    list_select_related = ("organization",)
    exclude = ("secrets",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[OAuthApp]:
        return super().get_queryset(request).defer("secrets")


@admin.register(GatewaySecret)
class GatewaySecretAdmin(ReadOnlyAdmin):
    """Secrets of the gateway, of which only the prefix is shown."""

    list_display = ("oauth_app", "prefix", "made_at", "former_until")
    list_select_related = ("oauth_app",)
    exclude = ("digest", "former_digest")
