"""A credential's rate limit, edited in its card (htmx) or on a page of its own."""

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from sequin_admin.access.policy import Action
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.listing import page_or_part
from sequin_admin.limits import models as limits
from sequin_admin.limits.models import RateLimit


class LimitForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = RateLimit
        fields = ("allowed_requests", "interval", "max_concurrent_requests")

    def rate(self) -> Rate:
        return Rate(**{name: self.cleaned_data[name] for name in self._meta.fields or ()})


@require_http_methods(["GET", "POST"])
@may(Action.EDIT)
def limit(request: Request, pk: str) -> HttpResponse:
    rows = Credential.objects.of(request.organization).select_related("rate_limit")
    credential = get_object_or_404(rows, pk=pk)
    form = LimitForm(request.POST or None, instance=limits.of(credential))
    if request.method == "POST" and form.is_valid():
        try:
            saved = limits.set_limit(credential, form.rate(), actor=request.user)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return done(request, credential, saved)
    context = {"credential": credential, "limit_form": form, "limit": limits.of(credential)}
    status = 422 if form.errors else 200
    return page_or_part(request, "limits/edit.html", "form", context, status=status)


def done(request: Request, credential: Credential, limit: RateLimit) -> HttpResponse:
    context = {"credential": credential, "limit": limit, "saved": True}
    if request.htmx:
        return render(request, "limits/card.html", context)
    messages.success(request, f"{credential} may now start {limit}.")
    return redirect("dashboard:credential", pk=credential.pk)
