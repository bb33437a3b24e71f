"""The texts of mails with a connect link, and how many are sent."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from sequin_admin.access.models import Organization
from sequin_admin.access.policy import Action
from sequin_admin.connect import mails
from sequin_admin.connect.models import MailPurpose, MailTemplate
from sequin_admin.core.actors import actor_of
from sequin_admin.core.languages import LANGUAGES
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.edits import Edit
from sequin_admin.dashboard.fresh_login import fresh_login_required, submitted_data
from sequin_admin.dashboard.views.mail_forms import (
    MailSettingsForm,
    MailTextForm,
    add_errors,
    example_values,
    shown,
)


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
@fresh_login_required
def mail_settings(request: Request) -> HttpResponseBase:
    """The day's limit, the reminder, and which texts are the organization's own."""
    organization = request.organization

    def build(row: Organization, data: QueryDict | None) -> MailSettingsForm:
        known = mails.get_mail_settings(row)
        initial = {"most_a_day": known.most_a_day, "remind_hours": known.remind_hours}
        return MailSettingsForm(data, initial=initial)

    edit = Edit(organization, build, submitted_data(request))
    form: MailSettingsForm = edit.form
    if request.method == "POST" and form.is_valid():
        try:
            saved = edit.save(
                lambda row: mails.save_mail_settings(
                    row, **form.cleaned_data, actor=actor_of(request)
                )
            )
        except mails.BadMail as error:
            saved = False
            add_errors(form, error)
        if saved:
            messages.success(request, "The settings of mails are saved.")
            return redirect("dashboard:mail_settings")
    own = set(MailTemplate.objects.of(organization).values_list("purpose", "language"))
    context = {
        "form": form,
        "edit": edit,
        "allowance": mails.get_allowance(organization),
        "purposes": [
            (each, [(code, name, (each.value, code) in own) for code, name in LANGUAGES.items()])
            for each in MailPurpose
        ],
    }
    return render(request, "mails/settings.html", context, status=edit.status)


@require_http_methods(["GET", "POST"])
@may(Action.CONFIGURE)
@fresh_login_required
def mail_template(request: Request, purpose: str, language: str) -> HttpResponseBase:
    """Look at a text, change it, or go back to ours. Raises `Http404` for one that is unknown."""
    organization = request.organization
    if purpose not in MailPurpose.values or language not in LANGUAGES:
        raise Http404(purpose)

    def build(row: Organization, data: QueryDict | None) -> MailTextForm:
        known = mails.get_text(row, purpose, language)
        return MailTextForm(data, initial={"subject": known.subject, "text": known.text})

    given = submitted_data(request)
    if request.method == "POST" and given and "reset" in given:
        mails.remove_template(organization, purpose, language, actor=actor_of(request))
        messages.success(request, "Our text is used again.")
        return redirect("dashboard:mail_template", purpose=purpose, language=language)
    edit = Edit(organization, build, given)
    form: MailTextForm = edit.form
    previews = given is not None and "preview" in given
    if (
        request.method == "POST"
        and not previews
        and form.is_valid()
        and save_text(request, edit, form, purpose, language)
    ):
        messages.success(request, "The text is saved. New mails have it.")
        return redirect("dashboard:mail_settings")
    known = mails.get_text(organization, purpose, language)
    values = example_values(organization, language)
    context: dict[str, Any] = {
        "form": form,
        "edit": edit,
        "title": MailPurpose(purpose).label,
        "language": LANGUAGES[language],
        "code": language,
        "is_ours": known.is_ours,
        "preview": shown(form, known, values),
    }
    return render(request, "mails/template.html", context, status=edit.status)


def save_text(
    request: Request, edit: Edit, form: MailTextForm, purpose: str, language: str
) -> bool:
    return edit.save(
        lambda row: mails.save_template(
            row,
            purpose,
            language,
            subject=form.written.subject,
            text=form.written.text,
            actor=actor_of(request),
        )
    )
