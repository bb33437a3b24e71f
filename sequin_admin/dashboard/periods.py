"""A period of days that a list is narrowed to: "yesterday", or from one day to another."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from sequin_admin.core import clock
from sequin_admin.core.forms import DayField

# The period, and how many days before today it begins and ends.
PRESETS = {
    "today": ("Today", 0, 0),
    "yesterday": ("Yesterday", 1, 1),
    "7d": ("Last 7 days", 6, 0),
    "30d": ("Last 30 days", 29, 0),
}


class PeriodForm(forms.Form):
    """`when`, a preset, or the days `first` and `last`, both included, in the viewer's time zone.

    A wrong value has an error, and is no period.
    """

    when = forms.ChoiceField(required=False, choices=[(name, p[0]) for name, p in PRESETS.items()])
    first = DayField("From")
    last = DayField("Until")

    begins: datetime | None = None
    ends: datetime | None = None

    def clean(self) -> dict[str, Any]:
        chosen: dict[str, Any] = self.cleaned_data
        first, last = chosen.get("first"), chosen.get("last")
        if chosen.get("when"):
            _, from_ago, until_ago = PRESETS[chosen["when"]]
            today = timezone.localtime(clock.now()).date()
            first, last = today - timedelta(from_ago), today - timedelta(until_ago)
        if first and last and last < first:
            self.add_error("last", "The last day is before the first. Swap the two.")
        elif not self.errors:
            self.begins = first and start_of(first)
            self.ends = last and start_of(last + timedelta(1))
        return chosen


def start_of(day: date) -> datetime:
    """Midnight in the viewer's time zone."""
    return datetime.combine(day, time.min, timezone.get_current_timezone())
