"""One admin entry per registered kind: a new kind needs nothing here."""

from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from sequin_admin.access.models import Organization, User
from sequin_admin.access.policy import Action, still_may
from sequin_admin.connect import credential_operations
from sequin_admin.core.admin import ReadOnlyAdmin
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.health import probes


class CredentialAdmin(ReadOnlyAdmin):
    """Across all organizations. Secrets show as asterisks.

    Actions are audited, and need open staff access with editing to each organization, as on its
    pages.
    """

    list_display = (
        "name",
        "organization",
        "account",
        "provider_name",
        "health_status",
        "checked_at",
        "disabled_at",
    )
    list_filter = ("health_status", "disabled_at", "created_at")
    search_fields = ("name", "identity", "organization__name")
    list_select_related = ("organization",)
    show_full_result_count = False
    exclude = ("secrets", "properties", "secret_names")
    readonly_fields = ("masked",)
    actions = ("verify_selected", "disable_selected")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Credential]:
        return super().get_queryset(request).defer("secrets")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether the user may use the actions: staff with permission to change this kind."""
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")

    @admin.display(description="account")
    def account(self, credential: Credential) -> str:
        return credential.describe()

    @admin.display(description="provider")
    def provider_name(self, credential: Credential) -> str:
        return credential.provider_title

    @admin.display(description="properties")
    def masked(self, credential: Credential) -> dict[str, Any]:
        return credential.masked_properties()

    @admin.action(description="Verify now", permissions=["operate"])
    def verify_selected(self, request: HttpRequest, rows: QuerySet[Credential]) -> None:
        if self.may_edit_all(request, rows):
            outcomes = [probes.verify(row, actor=cast(User, request.user)) for row in rows]
            working = sum(outcome.ok for outcome in outcomes)
            self.message_user(request, f"{working} of {len(outcomes)} work.", messages.INFO)

    @admin.action(description="Disable", permissions=["operate"])
    def disable_selected(self, request: HttpRequest, rows: QuerySet[Credential]) -> None:
        if self.may_edit_all(request, rows):
            for row in rows:
                credential_operations.disable(row, actor=cast(User, request.user))
            self.message_user(request, "The selected credentials are disabled.", messages.SUCCESS)

    def may_edit_all(self, request: HttpRequest, rows: QuerySet[Credential]) -> bool:
        """Whether the user may edit in the organization of each row; says where not."""
        owners = Organization.objects.filter(pk__in=rows.order_by().values("organization"))
        closed = [
            organization.name
            for organization in owners.order_by("name")
            if not still_may(cast(User, request.user), organization, Action.EDIT)
        ]
        if closed:
            sentence = (
                f"Nothing was done: you may not edit in {', '.join(closed)}. Open staff access "
                "with editing on the organization's page here; its owners are mailed."
            )
            self.message_user(request, sentence, messages.ERROR)
        return not closed


for kind in kinds.all():
    kind._meta.verbose_name = kind.full_title()
    kind._meta.verbose_name_plural = kind.full_title()
    admin.site.register(kind, CredentialAdmin)
