"""Admin pages of health, with the declaration and clearing of outages."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from sequin_admin.access.models import User
from sequin_admin.core.admin import ReadOnlyAdmin
from sequin_admin.credentials import kinds
from sequin_admin.health import outages
from sequin_admin.health.models import (
    SENTENCE_CHARS,
    Cause,
    CauseNote,
    Check,
    ExpiryNotice,
    Incident,
    Outage,
    OutageQuerySet,
    Transition,
    WorkerProcess,
)


@admin.register(Check)
class CheckAdmin(ReadOnlyAdmin):
    """Checks, to look at."""

    list_display = ("check_name", "entity", "name", "verdict", "code", "last_seen_at", "times")
    list_filter = ("entity", "verdict", "provider")
    search_fields = ("name", "code")
    # Bodies of responses are for those who may edit in the organization.
    exclude = ("evidence",)


@admin.register(Transition)
class TransitionAdmin(ReadOnlyAdmin):
    """Changes of health, to look at."""

    list_display = ("at", "entity", "name", "before", "after", "code")
    list_filter = ("entity", "after", "at")
    search_fields = ("name", "code")


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    """Incidents, to look at."""

    list_display = ("opened_at", "entity", "name", "status", "code", "affected", "resolved_at")
    list_filter = ("status", "entity", "provider", "opened_at")
    search_fields = ("name", "code")


@admin.register(CauseNote)
class CauseNoteAdmin(ReadOnlyAdmin):
    """Notes of causes, to look at."""

    list_display = ("at", "cause", "author", "text")
    list_select_related = ("cause",)
    search_fields = ("author", "text")


@admin.register(Cause)
class CauseAdmin(ReadOnlyAdmin):
    """Causes, to look at."""

    list_display = (
        *("opened_at", "provider", "code", "status", "open_incidents", "total_incidents"),
        *("owner", "muted_at", "resolved_at"),
    )
    list_select_related = ("owner",)
    list_filter = ("status", "entity", "provider", "opened_at")
    search_fields = ("name", "code")


class OutageForm(forms.ModelForm):  # type: ignore[type-arg]
    """Fields of an outage that staff declares."""

    provider = forms.ChoiceField(choices=lambda: sorted(kinds.providers().items()))
    message = forms.CharField(
        required=False,
        max_length=SENTENCE_CHARS,
        help_text="Shown to everybody who uses the provider. Empty: a sentence of ours.",
    )

    class Meta:
        model = Outage
        fields = ("provider", "message")


@admin.register(Outage)
class OutageAdmin(ReadOnlyAdmin):
    """Staff declares an outage by adding one, and clears it by the action of the list."""

    form = OutageForm
    list_display = ("provider", "opened_at", "cleared_at", "declared_by", "message")
    list_filter = ("provider",)
    actions = ("clear_selected",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("health.add_outage")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("health.change_outage")

    def save_model(self, request: HttpRequest, obj: Outage, form: Any, change: bool) -> None:
        given = form.cleaned_data
        declared = outages.declare(
            given["provider"], actor=cast(User, request.user), message=given["message"]
        )
        # The admin continues with the object that it passed in.
        obj.pk = declared.pk

    @admin.action(description="Clear: the provider is back", permissions=["operate"])
    def clear_selected(self, request: HttpRequest, rows: OutageQuerySet) -> None:
        for outage in rows.open():
            outages.clear(outage, actor=cast(User, request.user))


@admin.register(ExpiryNotice)
class ExpiryNoticeAdmin(ReadOnlyAdmin):
    """Notices of what ends, to look at."""

    list_display = ("what", "subject", "organization", "ends_at", "before")
    list_select_related = ("organization",)


@admin.register(WorkerProcess)
class WorkerProcessAdmin(ReadOnlyAdmin):
    """Worker processes, to look at."""

    list_display = ("hostname", "pid", "threads", "started_at", "beat_at", "stopping")
