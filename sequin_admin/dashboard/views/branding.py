"""What customers see of the organization: colours, support and privacy, with a preview."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_http_methods

from sequin_admin.access import branding
from sequin_admin.access.models import Branding, Organization
from sequin_admin.access.policy import Action
from sequin_admin.core.actors import actor_of
from sequin_admin.core.contrast import is_colour
from sequin_admin.core.languages import LANGUAGES
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.edits import Edit
from sequin_admin.dashboard.fresh_login import fresh_login_required, submitted_data

EXAMPLE = {"placeholder": "#1d4ed8", "spellcheck": "false", "autocomplete": "off", "maxlength": 7}


class BrandingForm(forms.Form):
    """Colours are `#rrggbb`; empty stands for ours."""

    accent = forms.CharField(
        required=False,
        label="Buttons and links, light theme",
        help_text="Customers' devices choose the theme.",
        widget=forms.TextInput(attrs=EXAMPLE),
    )
    accent_dark = forms.CharField(
        required=False,
        label="Buttons and links, dark theme",
        widget=forms.TextInput(attrs=EXAMPLE | {"placeholder": "#93c5fd"}),
    )
    ground = forms.CharField(
        required=False,
        label="Page around the card, light theme",
        widget=forms.TextInput(attrs=EXAMPLE | {"placeholder": "#f1f5f9"}),
    )
    ground_dark = forms.CharField(
        required=False,
        label="Page around the card, dark theme",
        widget=forms.TextInput(attrs=EXAMPLE | {"placeholder": "#0b1120"}),
    )
    support = forms.CharField(
        required=False,
        label="Support",
        help_text="A mail address or an address that begins with https://. Replies to mails go "
        "to a mail address here.",
    )
    privacy_url = forms.CharField(
        required=False, label="Privacy policy", help_text="An address that begins with https://."
    )
    language = forms.ChoiceField(
        label="Language of mails",
        choices=tuple(LANGUAGES.items()),
        help_text="Of customers whose link has no language of its own. Pages follow the link, then "
        "the customer's browser.",
    )

    @classmethod
    def of(cls, organization: Organization, data: QueryDict | None) -> "BrandingForm":
        known = branding.get_branding(organization)
        return cls(data, initial={name: getattr(known, name) for name in branding.FIELDS})

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        values = {name: str(given.get(name, "")).strip() for name in branding.FIELDS}
        values |= {name: values[name].lower() for name in branding.COLOURS}
        try:
            branding.refuse_bad_values(values)
        except branding.BadBranding as error:
            for name, sentence in error.fields.items():
                self.add_error(name, sentence)
        return values


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
@fresh_login_required
def edit_branding(request: Request) -> HttpResponseBase:
    organization = request.organization
    given = submitted_data(request)
    edit = Edit(organization, BrandingForm.of, given)
    form: BrandingForm = edit.form
    previews = given is not None and "preview" in given
    if request.method == "POST" and not previews and form.is_valid():
        values = form.cleaned_data
        if edit.save(lambda row: branding.save_branding(row, values, actor=actor_of(request))):
            messages.success(request, "Customers see it from now on.")
            return redirect("dashboard:branding")
    context = {"form": form, "edit": edit, "style": style_address(form), "languages": LANGUAGES}
    context["branding"] = branding.get_branding(organization)
    if request.htmx and previews:
        return render(request, "branding/edit.html#preview", context)
    return render(request, "branding/edit.html", context, status=200 if previews else edit.status)


def style_address(form: BrandingForm) -> str:
    """The style sheet of the preview, of the colours in the form; those that are none are left
    out."""
    written = {name: str(form[name].value() or "").strip().lower() for name in branding.COLOURS}
    colours = {name: value for name, value in written.items() if is_colour(value)}
    return f"{reverse('dashboard:branding_style')}?{urlencode(colours)}"


@require_GET
@may(Action.CONFIGURE)
@cache_control(private=True, max_age=600)
def preview_style(request: Request) -> HttpResponse:
    """The colours of the query, within the preview only. Raises `Http404` for what is none."""
    colours = {name: request.GET.get(name, "") for name in branding.COLOURS}
    if any(value and not is_colour(value) for value in colours.values()):
        raise Http404("No colours.")
    rules = branding.style_sheet(Branding(organization=request.organization, **colours))
    css = rules.replace(":root", ".brand-preview", 1)
    return HttpResponse(css, content_type="text/css; charset=utf-8")
