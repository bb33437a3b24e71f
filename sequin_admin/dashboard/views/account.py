"""One's own address, keyboard and time zone."""

from typing import cast
from zoneinfo import available_timezones

from allauth.account.models import EmailAddress
from allauth.account.views import email as change_email
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from sequin_admin.access import addresses
from sequin_admin.access.models import User
from sequin_admin.dashboard.edits import Edit
from sequin_admin.dashboard.fresh_login import fresh_login_required

CHANGED = (
    "Nothing was changed: your address, or the one it changes to, may be another one than the page "
    "showed. Look at what it says now, then do it once more if you still want it."
)


class AddressForm(forms.Form):
    """What the page shows: the address, and those that wait to be confirmed."""

    address = forms.CharField()
    waiting = forms.CharField()

    @classmethod
    def of(cls, user: User, data: QueryDict | None) -> "AddressForm":
        waiting = EmailAddress.objects.filter(user=user, verified=False).order_by("email")
        shown = ", ".join(waiting.values_list("email", flat=True))
        return cls(data, initial={"address": user.email, "waiting": shown})


@login_required
@fresh_login_required
def email(request: HttpRequest) -> HttpResponse:
    """Change the address: it is replaced once the new one is confirmed, never before.

    An address that was never confirmed has to be confirmed before it can be changed.
    """
    if "action_primary" in request.POST:
        raise PermissionDenied("An address becomes yours when you open the link we mail to it.")
    user = cast(User, request.user)
    changes = bool(request.POST) and "action_send" not in request.POST
    if changes and not addresses.has_confirmed(user, user.email):
        raise PermissionDenied(f"Confirm {user} first: open the link that we mail to it.")
    edit = Edit(user, AddressForm.of, request.POST or None)
    if request.method != "POST":
        return show_email_page(request, edit)
    answers: list[HttpResponse] = []
    if edit.save(lambda _: answers.append(show_email_page(request, edit))):
        return answers[0]
    messages.warning(request, CHANGED)
    return redirect("account_email")


@require_POST
@login_required
def keyboard(request: HttpRequest) -> HttpResponse:
    """Switch single keys on or off, for the person who asks."""
    user = cast(User, request.user)
    user.single_keys = "single_keys" in request.POST
    user.save(update_fields=["single_keys"])
    messages.success(request, f"Single keys are {'on' if user.single_keys else 'off'}.")
    return redirect("mfa_index")


class TimeZoneForm(forms.Form):
    """The zone in which a person reads exact times."""

    time_zone = forms.ChoiceField(
        choices=lambda: [(zone, zone) for zone in sorted(available_timezones())]
    )


@login_required
@require_http_methods(["GET", "POST"])
def time_zone(request: HttpRequest) -> HttpResponse:
    """Choose the time zone, for the person who asks."""
    user = cast(User, request.user)
    form = TimeZoneForm(request.POST or None, initial={"time_zone": user.time_zone or "UTC"})
    if request.method == "POST" and form.is_valid():
        user.time_zone = form.cleaned_data["time_zone"]
        user.save(update_fields=["time_zone"])
        messages.success(request, f"Exact times are shown in {user.time_zone}.")
        return redirect("mfa_index")
    status = 422 if form.is_bound else 200
    return render(request, "account/time_zone.html", {"form": form}, status=status)


def show_email_page(request: HttpRequest, edit: Edit) -> HttpResponse:
    """The page of allauth, whose forms carry the digests of `edit`."""
    request.edit = edit  # type: ignore[attr-defined]
    response: HttpResponse = change_email(request)
    return response
