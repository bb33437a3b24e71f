"""Shared configuration of the staff admin."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

# Staff use the normal login page, with its second factor and rate limits.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = "Sequin Admin: staff"
admin.site.site_title = "Sequin Admin"


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Read-only model admin. Rows are changed through the product, which writes audit events."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False
