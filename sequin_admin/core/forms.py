"""Form fields for every page, and choices that a form only knows when it is made."""

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.db.models import Model, QuerySet

from sequin_admin.core.names import clean_name


class NameField(forms.CharField):
    """A name, as `clean_name()` makes it."""

    def to_python(self, value: Any) -> str:
        return clean_name(super().to_python(value) or "")


def set_choices(form: forms.BaseForm, name: str, choices: Iterable[tuple[str, str]]) -> None:
    """Offer these values and labels in a field for choices."""
    cast(forms.ChoiceField, form.fields[name]).choices = list(choices)


def set_queryset(form: forms.BaseForm, name: str, rows: QuerySet[Model] | None) -> None:
    """Offer these rows in a field for rows."""
    cast("forms.ModelChoiceField[Any]", form.fields[name]).queryset = rows
