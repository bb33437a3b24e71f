"""API keys: made here, shown once, revoked here."""

from datetime import datetime, timedelta

from django import forms
from django.contrib import messages
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Scope
from sequin_admin.access.policy import Action
from sequin_admin.core import clock
from sequin_admin.dashboard.access import Request, may

LIVES = [("30", "30 days"), ("90", "90 days"), ("365", "1 year"), ("", "Until it is revoked")]


class KeyForm(forms.Form):
    name = forms.CharField(
        max_length=100, help_text="Where it will be used, for example: sync worker, production."
    )
    scopes = forms.MultipleChoiceField(
        label="It may", choices=Scope.choices, widget=forms.CheckboxSelectMultiple
    )
    days = forms.ChoiceField(label="It ends after", choices=LIVES, required=False, initial="365")

    def expires_at(self) -> datetime | None:
        days = self.cleaned_data["days"]
        return clock.now() + timedelta(days=int(days)) if days else None


@require_GET
@may(Action.VIEW)
def api_keys(request: Request) -> HttpResponse:
    return show(request, KeyForm())


@require_POST
@may(Action.CONFIGURE)
@never_cache
def api_key_add(request: Request) -> HttpResponse:
    """Make a key and show its token in this answer, the only place where it ever stands."""
    form = KeyForm(request.POST)
    if not form.is_valid():
        return show(request, form, status=422)
    key, token = keys.create(
        request.organization,
        name=form.cleaned_data["name"],
        scopes=form.cleaned_data["scopes"],
        expires_at=form.expires_at(),
        actor=request.user,
    )
    return render(request, "api_keys/created.html", {"key": key, "token": token})


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
def api_key_revoke(request: Request, pk: str) -> HttpResponse:
    key = get_object_or_404(ApiKey.objects.of(request.organization), pk=pk)
    if request.method == "POST":
        keys.revoke(key, actor=request.user)
        messages.success(request, f"{key} is revoked. Calls with it are refused from now on.")
        return redirect("dashboard:api_keys")
    context = {
        "title": f"Revoke {key.name}?",
        "text": "Every program that uses this key is refused at once. This cannot be undone.",
        "button": "Revoke the key",
        "back": reverse("dashboard:api_keys"),
    }
    return render(request, "components/confirm_page.html", context)


def show(request: Request, form: KeyForm, *, status: int = 200) -> HttpResponse:
    rows = ApiKey.objects.of(request.organization).order_by(
        F("revoked_at").desc(nulls_first=True), "-created_at"
    )
    context = {"rows": rows, "form": form, "now": clock.now(), "scopes": dict(Scope.choices)}
    return render(request, "api_keys/index.html", context, status=status)
