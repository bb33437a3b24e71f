"""The site of the staff admin: its words, its sign-in and the sections of its index."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


class StaffSite(AdminSite):
    """Staff sign in, and change their own password, where everybody does."""

    site_header = "Sequin Admin: staff"
    site_title = "Sequin Admin"
    index_title = "What staff may look at"

    def login(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """The normal page, with its second factor and rate limits."""
        answer: HttpResponse = secure_admin_login(super().login)(request, extra_context)
        return answer

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        return redirect("account_change_password")

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[dict[str, Any]]:
        """Apps of one title are one section."""
        sections: dict[str, dict[str, Any]] = {}
        for app in super().get_app_list(request, app_label):
            first = sections.setdefault(app["name"], app)
            if first is not app:
                first["models"] = sorted(first["models"] + app["models"], key=lambda m: m["name"])
        return list(sections.values())
