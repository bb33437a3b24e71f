"""The form of a channel. A Slack URL is a secret and never rendered into a page."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.http import QueryDict

from sequin_admin.core.forms import NameField, set_choices
from sequin_admin.notifications.channel_addresses import URL_CHARS, BadAddress, set_address
from sequin_admin.notifications.message import TYPES, Severity, type_groups
from sequin_admin.notifications.models import Channel, ChannelKind

AGAIN = "Enter the URL again: we don't keep it in a page that was not saved."
KEEP = "Leave it empty to keep the one that is set."
ADDRESS_FIELDS = {
    ChannelKind.MAIL: ("Mail addresses", "Up to 20, with commas between them."),
    ChannelKind.WEBHOOK: (
        "URL",
        "It begins with https:// and is reachable from the internet. Every message is signed.",
    ),
    ChannelKind.SLACK: (
        "Incoming webhook URL",
        "From Slack, or from anything that takes Slack's messages, such as Mattermost.",
    ),
}
COLUMNS = (
    *("name", "min_severity", "event_types", "quiet_from", "quiet_until", "time_zone"),
    "critical_breaks_quiet",
)


class ClockInput(forms.TimeInput):
    """A time of day, in the browser's own control."""

    input_type = "time"


class ChannelForm(forms.Form):
    """Form for a new channel of a kind, or for `channel`.

    `columns` are keyword arguments of `channels.create()` and `channels.update()`.
    """

    kept: Mapping[str, str] = {}

    name = NameField(max_length=100)
    address = forms.CharField(max_length=URL_CHARS)
    min_severity = forms.ChoiceField(
        label="Tell", choices=[(each.value, each.audience) for each in Severity]
    )
    event_types = forms.MultipleChoiceField(
        label="Of",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="If nothing is ticked, of everything. Mail and Slack are told once of a cause, "
        "however many incidents it has; a webhook gets an event for each.",
    )
    quiet_from = forms.TimeField(required=False, widget=ClockInput(format="%H:%M"))
    quiet_until = forms.TimeField(
        required=False,
        widget=ClockInput(format="%H:%M"),
        help_text="Messages wait until then. What is over by then is not told at all.",
    )
    time_zone = forms.ChoiceField(
        initial="UTC", choices=lambda: [(zone, zone) for zone in sorted(available_timezones())]
    )
    critical_breaks_quiet = forms.BooleanField(
        label="What we must act on does not wait", required=False, initial=True
    )

    def __init__(
        self, kind: ChannelKind, data: QueryDict | None = None, channel: Channel | None = None
    ) -> None:
        self.kind, self.channel = kind, channel
        super().__init__(data, initial=initial_of(kind, channel))
        address = self.fields["address"]
        address.label, address.help_text = ADDRESS_FIELDS[kind]
        if kind.hides_address:
            address.widget = forms.PasswordInput(attrs={"autocomplete": "off"})
            address.required = channel is None
            address.help_text += f" {KEEP}" if channel else ""
        kept = {each: TYPES.get(each, each) for each in (channel.event_types if channel else [])}
        set_choices(self, "event_types", {**kept, **type_groups()}.items())

    @classmethod
    def of(cls, channel: Channel, data: QueryDict | None) -> "ChannelForm":
        """Form to edit a channel: an empty Slack URL keeps the stored one."""
        form = cls(channel.kind_choice, data, channel)
        if form.kind.hides_address:
            form.kept = {"address": repr(sorted(channel.secrets.items()))}
        return form

    def clean_address(self) -> str:
        text = str(self.cleaned_data["address"])
        probe = Channel(kind=self.kind)
        try:
            if text:
                set_address(probe, text)
        except BadAddress as error:
            raise forms.ValidationError(str(error)) from None
        return text

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        begins, ends = given.get("quiet_from"), given.get("quiet_until")
        if (begins is None) != (ends is None) and not self.has_error("quiet_until"):
            self.add_error("quiet_until", "Enter both times, or none.")
        elif begins is not None and begins == ends:
            self.add_error("quiet_until", "Enter another time than the one they begin at.")
        if self.errors and self.kind.hides_address and given.get("address"):
            self.add_error("address", AGAIN)
        return given

    @property
    def columns(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in (*COLUMNS, "address")}


def initial_of(kind: ChannelKind, channel: Channel | None) -> dict[str, Any]:
    """Initial values. An address that is hidden is never put into a page."""
    if channel is None:
        return {"min_severity": kind.first_severity.value}
    stored = {name: getattr(channel, name) for name in COLUMNS}
    return stored if kind.hides_address else {**stored, "address": channel.address}
