"""The forms of a cause: for how long it is muted, and a note."""

from datetime import datetime, timedelta

from django import forms

from sequin_admin.health.cause_models import NOTE_CHARS

UNTIL_IT_ENDS = "end"
MUTED_FOR = {"1": "1 hour", "8": "8 hours", "24": "1 day", "168": "7 days"}


class MuteForm(forms.Form):
    """How long nobody is notified."""

    hours = forms.ChoiceField(
        label="Notify nobody",
        choices=[
            (UNTIL_IT_ENDS, "until it ends"),
            *((hours, f"for {words}") for hours, words in MUTED_FOR.items()),
        ],
        initial=UNTIL_IT_ENDS,
    )

    def until(self, now: datetime) -> datetime | None:
        hours = self.cleaned_data["hours"]
        return None if hours == UNTIL_IT_ENDS else now + timedelta(hours=int(hours))


class NoteForm(forms.Form):
    """What the others should know."""

    text = forms.CharField(
        label="Add a note",
        max_length=NOTE_CHARS,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Write something first."},
    )
