"""The form of a target."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.http import QueryDict

from sequin_admin.core.forms import NameField
from sequin_admin.credentials.forms import AGAIN, KEEP, BlankPassword, MetadataField
from sequin_admin.credentials.models import NAME_CHARS
from sequin_admin.syncs import rules
from sequin_admin.syncs.forms.named import METADATA, NamedForm
from sequin_admin.syncs.models import SslMode, Target


class TargetForm(NamedForm):
    """Where a target is and how to log in there."""

    name = NameField(max_length=NAME_CHARS, help_text="How the database is called here.")
    host = forms.CharField(
        max_length=253,
        validators=[RegexValidator(rules.HOST, "Enter one host name or address, without a port.")],
        help_text="Name or address of the PostgreSQL server.",
    )
    port = forms.IntegerField(min_value=1, max_value=65_535, initial=5432)
    database = forms.CharField(max_length=63)
    username = forms.CharField(max_length=63, widget=forms.TextInput({"autocomplete": "off"}))
    password = forms.CharField(max_length=1000, strip=False, widget=BlankPassword({}))
    ssl_mode = forms.ChoiceField(
        label="TLS", choices=SslMode.choices, initial=SslMode.PREFER, help_text="When to encrypt."
    )
    schema = forms.CharField(
        max_length=63, required=False, help_text="Leave it empty for the user's own search path."
    )
    rows_moved = forms.BooleanField(
        required=False,
        initial=False,
        label="The rows are there already",
        help_text="Tick it when the database moved with all that was written. Otherwise everything "
        "is read again into another host, port, database or schema.",
    )
    metadata = MetadataField(required=False, help_text=METADATA)

    @classmethod
    def of(cls, target: Target, data: QueryDict | None) -> "TargetForm":
        """Form to edit a target: an empty password keeps the stored one."""
        form = cls(data, initial={name: getattr(target, name) for name in COLUMNS})
        form.kept = dict(target.secrets)
        form.fields["password"].required = False
        form.fields["password"].help_text = KEEP
        return form

    @classmethod
    def for_new(cls, data: QueryDict | None) -> "TargetForm":
        """Form of a new target, into which nothing was written before."""
        form = cls(data)
        del form.fields["rows_moved"]
        return form

    def clean(self) -> dict[str, Any]:
        if self.errors and self.cleaned_data.get("password"):
            self.add_error("password", AGAIN)
        return self.cleaned_data


COLUMNS = ("name", "host", "port", "database", "username", "ssl_mode", "schema", "metadata")
