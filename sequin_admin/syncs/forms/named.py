"""What the forms of syncs, streams, targets and consumers share."""

from collections.abc import Mapping

from django import forms
from django.core.exceptions import ValidationError

METADATA = "JSON of your own, which every search finds."


class NamedForm(forms.Form):
    """Base form. `kept` has the secrets that keep their value when their field is left empty."""

    kept: Mapping[str, str] = {}
    # Form fields for errors of model fields that have another name here.
    field_names: Mapping[str, str] = {}

    def explain(self, error: ValidationError) -> None:
        """Add a domain function's validation errors to the form's fields."""
        for path, messages in error.message_dict.items():
            name = self.field_names.get(path, path.rpartition(".")[2])
            for message in messages:
                self.add_error(name if name in self.fields else None, message)
