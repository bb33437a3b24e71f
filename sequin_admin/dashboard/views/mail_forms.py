"""The forms of mails with a connect link, and what a mail looks like."""

from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import translation

from sequin_admin.access.models import Organization
from sequin_admin.connect import mails
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.core.forms import set_choices
from sequin_admin.core.languages import LANGUAGES, format_local_time
from sequin_admin.core.words import count_words

REMINDERS = (("0", "Not"), ("24", "1 day before it ends"), ("48", "2 days before it ends"))
# In a preview, in place of the address: it is a secret, and the page of the link has it.
HIDDEN_ADDRESS = "https://…/link/connect/…"


def example_values(organization: Organization, language: str) -> dict[str, str]:
    """What placeholders might stand for, where no link is at hand."""
    with translation.override(language):
        expires = format_local_time(clock.now().astimezone(UTC) + timedelta(days=7))
    return {
        "organization": organization.name,
        "provider": "HubSpot",
        "account": "arrakis.com · 21902692",
        "expires": expires,
    }


class MailTextForm(forms.Form):
    """A subject and a text with placeholders."""

    # A CharField would drop what `mails.clean()` refuses.
    subject = forms.CharField(max_length=400, strip=False)
    text = forms.CharField(
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "true"}),
        help_text="Plain text. "
        + ", ".join(f"{{{name}}} is {words}" for name, words in mails.PLACEHOLDERS.items())
        + ".",
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not self.errors:
            try:
                self.written = mails.clean(given["subject"], given["text"])
            except mails.BadMail as error:
                add_errors(self, error)
        return given


class SendForm(MailTextForm):
    """The mail of one link, or of those of a batch."""

    remind_hours = forms.ChoiceField(label="Remind the contact", choices=REMINDERS)

    @classmethod
    def of(cls, text: mails.MailText, usual: int, data: QueryDict | None) -> "SendForm":
        form = cls(
            data, initial={"subject": text.subject, "text": text.text, "remind_hours": usual}
        )
        if str(usual) not in dict(REMINDERS):
            set_choices(
                form,
                "remind_hours",
                [*REMINDERS, (str(usual), f"{count_words(usual, 'hour')} before it ends")],
            )
        return form

    @property
    def hours(self) -> int:
        return int(self.cleaned_data["remind_hours"])


class MailSettingsForm(forms.Form):
    """How many mails a day, and when contacts are reminded."""

    most_a_day = forms.IntegerField(
        required=False,
        min_value=0,
        label="Mails a day",
        help_text="At most so many mails with a connect link are sent on a day (UTC). Empty: as "
        "many as this installation allows.",
    )
    remind_hours = forms.IntegerField(
        min_value=0,
        max_value=mails.MOST_REMIND_HOURS,
        label="Remind so many hours before a link ends",
        help_text="Once, unless the link was used or withdrawn. 0 sends no reminder.",
    )


def add_errors(form: forms.Form, error: mails.BadMail) -> None:
    for name, sentence in error.fields.items():
        form.add_error(name if name in form.fields else None, sentence)


def shown(form: forms.Form, text: mails.MailText, values: Mapping[str, str]) -> dict[str, str]:
    """The subject and text as the customer will read them, from what stands in the form."""
    written = {name: str(form[name].value() or "") for name in ("subject", "text")}
    if form.errors:
        written = {"subject": text.subject, "text": text.text}
    known = {**values, "link": HIDDEN_ADDRESS}
    return {name: mails.fill(words, known) for name, words in written.items()}


def language_of(link: ConnectLink, wanted: str, usual: str) -> str:
    return next((code for code in (wanted, link.language, usual) if code in LANGUAGES), usual)
