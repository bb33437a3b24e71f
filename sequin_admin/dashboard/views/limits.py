"""A credential's rate limit, edited in its card (htmx) or on a page of its own."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from sequin_admin.access.policy import Action
from sequin_admin.core.actors import actor_of
from sequin_admin.core.split_fields import IntervalField
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.edits import Edit
from sequin_admin.dashboard.listing import get_query_param, render_page_or_partial
from sequin_admin.limits import models as limits
from sequin_admin.limits.models import LONGEST_MS, RateLimit


class LimitForm(forms.ModelForm):  # type: ignore[type-arg]
    """The rate limit of a credential."""

    interval = IntervalField(
        longest_ms=LONGEST_MS, help_text="The length of the window, from 100 ms to a day."
    )

    class Meta:
        model = RateLimit
        fields = ("allowed_requests", "interval", "max_concurrent_requests")

    def options(self) -> dict[str, Any]:
        return self.rate().model_dump()

    def rate(self) -> Rate:
        return Rate(**{name: self.cleaned_data[name] for name in self._meta.fields or ()})


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def limit(request: Request, pk: str) -> HttpResponse:
    rows = Credential.objects.of(request.organization).select_related("rate_limit")
    credential = get_object_or_404(rows, pk=pk)
    number = get_plan_number(request, credential)
    current = limits.get_rate_limit(credential)
    if number is not None:
        current = RateLimit(**credential.plans[number].rate.model_dump())
    edit = Edit(credential, build_limit_form, request.POST or None)
    form: LimitForm = edit.form
    if number is not None and not form.is_bound:
        form = LimitForm(instance=current)
    if request.method == "POST" and form.is_valid():
        try:
            saved = edit.save(
                lambda row: limits.set_limit(row, form.rate(), actor=actor_of(request))
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            if saved:
                return render_saved(request, credential, RateLimit(**form.rate().model_dump()))
    context = {
        "credential": credential,
        "edit": edit,
        "limit_form": form,
        "limit": current,
        "plan_number": number,
    }
    status = edit.status
    return render_page_or_partial(request, "limits/edit.html", "form", context, status=status)


def build_limit_form(credential: Credential, data: QueryDict | None) -> LimitForm:
    return LimitForm(data, instance=limits.get_rate_limit(credential))


def get_plan_number(request: Request, credential: Credential) -> int | None:
    """The index of the plan whose rate fills in the form, or None."""
    text = get_query_param(request, "plan")
    known = range(len(credential.plans))
    return int(text) if text.isascii() and text.isdecimal() and int(text) in known else None


@require_GET
@may(Action.EDIT)
def pace(request: Request) -> HttpResponse:
    """The rate and the warning for the numbers in the form, while they are typed."""
    form = LimitForm(request.GET)
    limit = RateLimit(**form.rate().model_dump()) if form.is_valid() else None
    context = {"pace": limit.pace() if limit else "", "doubt": limit.doubt() if limit else ""}
    return render(request, "limits/pace.html", context)


def render_saved(request: Request, credential: Credential, limit: RateLimit) -> HttpResponse:
    context = {"credential": credential, "limit": limit, "saved": True}
    if request.htmx:
        return render(request, "limits/card.html", context)
    messages.success(request, f"{credential} may now start {limit}.")
    return redirect("dashboard:usage", pk=credential.pk)
