"""Form fields for every page, and choices that a form only knows when it is made."""

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Model, QuerySet

from sequin_admin.core import clock
from sequin_admin.core.names import clean_name

ISO_DAY = "%Y-%m-%d"
WRONG_DAY = f"Write a day of the years {clock.EARLIEST.year} to {clock.LATEST.year} as 2026-11-29."


class NameField(forms.CharField):
    """A name, as `clean_name()` makes it."""

    def to_python(self, value: Any) -> str:
        return clean_name(super().to_python(value) or "")


class DayField(forms.DateField):
    """A day, as the browser's picker sends it, that may be left empty."""

    # The one form in which HTML writes a day, whatever language the page is in.
    widget = forms.DateInput({"type": "date"}, format=ISO_DAY)
    default_validators = [
        MinValueValidator(clock.EARLIEST, WRONG_DAY),
        MaxValueValidator(clock.LATEST, WRONG_DAY),
    ]
    default_error_messages = {"invalid": WRONG_DAY}
    input_formats = (ISO_DAY,)

    def __init__(self, label: str, help_text: str = "") -> None:
        super().__init__(required=False, label=label, help_text=help_text)


def set_choices(form: forms.BaseForm, name: str, choices: Iterable[tuple[str, str]]) -> None:
    """Offer these values and labels in a field for choices."""
    cast(forms.ChoiceField, form.fields[name]).choices = list(choices)


def set_queryset(form: forms.BaseForm, name: str, rows: QuerySet[Model] | None) -> None:
    """Offer these rows in a field for rows."""
    cast("forms.ModelChoiceField[Any]", form.fields[name]).queryset = rows
