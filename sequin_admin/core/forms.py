"""Form fields for every page."""

from typing import Any

from django import forms

from sequin_admin.core.wrapping import trim


class NameField(forms.CharField):
    """A text for people. Of one that nobody would see, nothing is left."""

    def to_python(self, value: Any) -> str:
        return trim(super().to_python(value) or "")
