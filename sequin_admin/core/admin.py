"""Shared configuration of the staff admin: rows are read-only; staff act through audited verbs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms.utils import flatatt
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from sequin_admin.core.actors import Actor, actor_of
from sequin_admin.core.fresh_login import is_login_fresh
from sequin_admin.core.words import write_abbreviations


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Read-only model admin. Rows are changed through the product, which writes audit events."""

    def __init__(self, model: type[models.Model], admin_site: admin.AdminSite) -> None:
        """Django makes a column's words of its name, `oauth_app`: they get our spelling."""
        super().__init__(model, admin_site)
        for column in model._meta.fields:
            if isinstance(column.verbose_name, str):  # Nobody has translated it.
                column.verbose_name = write_abbreviations(column.verbose_name)

    def action_checkbox(self, obj: models.Model) -> SafeString:
        """The tick box of a row of a list with actions."""
        named = {"name": helpers.ACTION_CHECKBOX_NAME, "value": obj.pk, "aria-label": f"Tick {obj}"}
        return format_html('<input type="checkbox" class="action-select"{}>', flatatt(named))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Its events in the audit log: Django's own history knows of nothing that is done here."""
        query = urlencode({"target_id": unquote(object_id)})
        return redirect(f"{reverse('admin:audit_event_changelist')}?{query}")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Columns that are not shown can't be guessed by filtering either."""
        if lookup.split("__")[0] in (self.exclude or ()):
            return False
        return super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class VerbForm(forms.Form):
    """The fields that every verb has."""

    reason = forms.CharField(
        max_length=500,
        help_text="Written into the audit log, where the organization's people read it.",
    )

    def __init__(self, data: QueryDict | None = None, *, row: models.Model) -> None:
        self.row = row
        super().__init__(data)


class VerbRefused(Exception):
    """The verb can't be done. `str()` is a sentence that the form shows."""


@dataclass(frozen=True)
class StaffVerb:
    """An audited act upon one row, with a form and a page of its own.

    `run(actor, row, cleaned_data)` does it and returns what to say. `allowed(user, row)` only
    decides whether the page is offered; `run` asks again and raises `VerbRefused`.
    """

    slug: str
    label: str
    run: Callable[[Actor, Any, dict[str, Any]], str]
    allowed: Callable[[Any, Any], bool]
    form: type[VerbForm] = VerbForm
    text: str = ""


class VerbAdmin(ReadOnlyAdmin):
    """Read-only, with audited verbs on the page of a row. Each asks for a fresh login.

    A GET is asked by the middleware `FreshLogin`; a POST here, where the form keeps its fields.
    """

    verbs: ClassVar[tuple[StaffVerb, ...]] = ()
    change_form_template = "admin/change_form_verbs.html"

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_verb"
        view = self.admin_site.admin_view(self.verb_view)
        return [path("<path:object_id>/verbs/<slug:slug>/", view, name=name), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        verbs = (
            [(verb, self.verb_url(row, verb)) for verb in self.offered_verbs(request, row)]
            if row
            else []
        )
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "verbs": verbs}
        )

    def offered_verbs(self, request: HttpRequest, row: models.Model) -> Iterable[StaffVerb]:
        return (verb for verb in self.verbs if verb.allowed(request.user, row))

    def verb_url(self, row: models.Model, verb: StaffVerb) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_verb"
        return reverse(name, args=[row.pk, verb.slug])

    def verb_view(self, request: HttpRequest, object_id: str, slug: str) -> HttpResponse:
        """The page of a verb, which does it after a fresh login.

        Raises `Http404` and `PermissionDenied`.
        """
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404("This row does not exist.")
        verb = next((each for each in self.offered_verbs(request, row) if each.slug == slug), None)
        if verb is None:
            raise PermissionDenied("You may not do this here. Ask a superuser.")
        fresh = is_login_fresh(request)
        form = verb.form(request.POST if request.method == "POST" else None, row=row)
        if request.method == "POST" and not fresh:
            form.add_error(
                None,
                "Confirm that it is you, then send this again: your last login is "
                "too long ago. Nothing was done.",
            )
        elif form.is_valid():
            try:
                said = verb.run(actor_of(request), row, form.cleaned_data)
            except VerbRefused as refusal:
                form.add_error(None, str(refusal))
            else:
                self.message_user(request, said, messages.SUCCESS)
                return self.after_verb(row)
        return self.render_verb(request, row, verb, form, fresh=fresh)

    def after_verb(self, row: models.Model) -> HttpResponse:
        place = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        if type(row)._base_manager.filter(pk=row.pk).exists():
            return redirect(f"{place}_change", row.pk)
        return redirect(f"{place}_changelist")

    def render_verb(
        self,
        request: HttpRequest,
        row: models.Model,
        verb: StaffVerb,
        form: VerbForm,
        *,
        fresh: bool,
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"{verb.label}: {row}",
            "opts": self.opts,
            "original": row,
            "verb": verb,
            "form": form,
            "fresh": fresh,
        }
        status = 422 if form.errors else 200
        return TemplateResponse(request, "admin/verb.html", context, status=status)
