"""Forms of API keys. `columns` holds the arguments of `keys.create()` and `keys.update()`."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Scope
from sequin_admin.core import clock
from sequin_admin.core.forms import NameField, set_choices
from sequin_admin.core.networks import normalize_networks
from sequin_admin.core.words import format_short_time

LIFETIMES = [("30", "30 days"), ("90", "90 days"), ("365", "1 year"), ("", "Until it is revoked")]
AS_NOW = "as now"
OVERLAPS = [
    ("0", "End it now"),
    ("1", "1 hour"),
    ("24", "24 hours"),
    ("72", "3 days"),
    ("168", "7 days"),
]


class KeyForm(forms.Form):
    """Creates a key, or edits `key`."""

    name = NameField(
        max_length=100, help_text="Where it will be used, for example: sync worker, production."
    )
    scopes = forms.MultipleChoiceField(
        label="It may", choices=Scope.choices, widget=forms.CheckboxSelectMultiple
    )
    days = forms.ChoiceField(
        label="It ends after", choices=LIFETIMES, required=False, initial="365"
    )
    networks = forms.CharField(
        label="It works from",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "192.0.2.0/24"}),
        help_text="Networks such as 192.0.2.0/24 or 2001:db8::/32, one in a line. "
        "Empty: from anywhere.",
    )
    requests_per_minute = forms.IntegerField(
        label="Requests per minute",
        required=False,
        min_value=1,
        max_value=keys.MOST_PER_MINUTE,
    )

    def __init__(self, data: QueryDict | None = None, key: ApiKey | None = None) -> None:
        self.key = key
        self.stands_for = {"days": str(key.expires_at)} if key else {}
        super().__init__(data, initial=initial_values(key) if key else None)
        usual = f"Empty: {settings.API_REQUESTS_PER_MINUTE:,}, the usual limit."
        self.fields["requests_per_minute"].help_text = usual
        if key:
            ends = format_short_time(key.expires_at) if key.expires_at else "when revoked"
            self.fields["days"].label = "It ends"
            set_choices(self, "days", [(AS_NOW, f"As now: {ends}"), *LIFETIMES])

    @classmethod
    def of(cls, key: ApiKey, data: QueryDict | None) -> "KeyForm":
        return cls(data, key)

    def clean_networks(self) -> list[str]:
        return clean_network_lines(self.cleaned_data["networks"])

    @property
    def columns(self) -> dict[str, Any]:
        given = {name: self.cleaned_data[name] for name in keys.COLUMNS if name != "expires_at"}
        days = self.cleaned_data["days"]
        if days == AS_NOW:
            return given
        ends = clock.now() + timedelta(days=int(days)) if days else None
        return {**given, "expires_at": ends}


class RotateForm(forms.Form):
    """How long the former secret stays valid beside a new one."""

    hours = forms.ChoiceField(
        label="The token until now stays good for",
        choices=OVERLAPS,
        initial=str(keys.OVERLAP_H),
        help_text="Long enough to put the new one everywhere. You can end it early.",
    )

    @property
    def overlap(self) -> timedelta:
        return timedelta(hours=int(self.cleaned_data["hours"]))


def clean_network_lines(text: str) -> list[str]:
    """Networks, one in a line or with commas between. Raises `ValidationError`."""
    lines = [*text.replace(",", "\n").split()]
    found, wrong = normalize_networks(lines)
    if wrong:
        named = ", ".join(lines[index][:60] for index in wrong)
        raise forms.ValidationError(
            f"Not a network: {named}. Write it as 192.0.2.0/24 or 2001:db8::/32."
        )
    if len(found) > keys.MOST_NETWORKS:
        raise forms.ValidationError(f"Name at most {keys.MOST_NETWORKS} networks.")
    return found


def initial_values(key: ApiKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "scopes": key.scopes,
        "days": AS_NOW,
        "networks": "\n".join(key.networks),
        "requests_per_minute": key.requests_per_minute,
    }
