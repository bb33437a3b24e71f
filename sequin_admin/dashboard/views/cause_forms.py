"""The forms of a cause: until when it is muted, and a note."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from sequin_admin.core import clock
from sequin_admin.core.split_fields import OTHER, TwoInputs
from sequin_admin.health.cause_models import NOTE_CHARS

UNTIL_IT_ENDS = "end"
MUTED_FOR = {"1": "1 hour", "8": "8 hours", "24": "1 day", "168": "7 days"}
PERIODS = {UNTIL_IT_ENDS: "until it ends", **{h: f"for {words}" for h, words in MUTED_FOR.items()}}
# As a browser's picker sends a time.
LOCAL_TIME = "%Y-%m-%dT%H:%M"
WRONG_TIME = "Write a time as 2026-11-29 18:30."
MORNING = 8


class MuteWidget(TwoInputs):
    """A period, and a time that counts when the period is "other"."""

    def __init__(self) -> None:
        every = [*PERIODS.items(), (OTHER, "until a time")]
        time = {"type": "datetime-local", "aria-label": "Until", "class": "part"}
        super().__init__(
            [
                forms.Select({"aria-label": "For how long", "class": "part"}, choices=every),
                forms.TextInput(time),
            ]
        )

    def decompress(self, value: object) -> list[str]:
        """Before anybody has chosen, the time is that of the next morning."""
        text = str(value or UNTIL_IT_ENDS)
        return [text, next_morning()] if text in PERIODS else [OTHER, text]


class MuteField(forms.Field):
    """A period from now on, or a time in the viewer's zone; cleaned to the one or the other."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=MuteWidget(), **options)

    def clean(self, value: Any) -> timedelta | datetime | None:
        period, at = value
        if period != OTHER:
            return None if period == UNTIL_IT_ENDS else timedelta(hours=hours_of(period))
        return local_time_of(at or "")


class MuteForm(forms.Form):
    """Until when nobody is notified."""

    until = MuteField(label="Notify nobody")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        zone = timezone.get_current_timezone_name()
        self.fields["until"].help_text = f"A time is in your time zone, {zone}."

    def ends(self, now: datetime) -> datetime | None:
        chosen = self.cleaned_data["until"]
        return now + chosen if isinstance(chosen, timedelta) else chosen


class NoteForm(forms.Form):
    """What the others should know."""

    text = forms.CharField(
        label="Add a note",
        max_length=NOTE_CHARS,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Write something first."},
    )


def hours_of(period: str) -> int:
    """Raises `ValidationError`."""
    if period not in MUTED_FOR:
        raise forms.ValidationError("Choose one of the list.")
    return int(period)


def local_time_of(text: str) -> datetime:
    """Raises `ValidationError`. Of an hour that the end of summer time repeats, the first."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise forms.ValidationError(WRONG_TIME) from None
    return at if at.tzinfo else at.replace(tzinfo=timezone.get_current_timezone())


def next_morning() -> str:
    day = timezone.localtime(clock.now()) + timedelta(days=1)
    return day.replace(hour=MORNING, minute=0).strftime(LOCAL_TIME)
