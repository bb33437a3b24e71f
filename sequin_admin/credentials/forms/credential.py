"""The forms of a credential: entered by hand, or asked before a login at the provider."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db import models

from sequin_admin.core.forms import NameField
from sequin_admin.credentials.forms.fields import MetadataField
from sequin_admin.credentials.forms.properties import PropertiesForm
from sequin_admin.credentials.kinds import OAuthKind
from sequin_admin.credentials.models import Credential, OAuthApp

MOVED = "Enter the secret again: it is only kept while nothing else about the account changes."


class CredentialForm(PropertiesForm):
    """A key or password of a kind, with the credential's name, contact and metadata."""

    display_name = NameField(
        required=False,
        max_length=200,
        help_text="How it is called here. Leave empty for a default.",
    )
    contact_email = forms.EmailField(
        label="Customer's contact",
        required=False,
        help_text="Is mailed a link when only the customer can mend something. Empty: nobody is.",
    )
    metadata = MetadataField(required=False, help_text="JSON of your own, found again by the API.")

    # Whether what the customer entered decides where the secrets are sent.
    host_is_theirs = False

    def clean(self) -> dict[str, Any]:
        """A stored secret is kept for the same place only: who may not see it must not have it sent
        to a host of their own."""
        given = super().clean()
        if self.host_is_theirs and not self.errors and self.has_moved():
            for name in self.names:
                if name in self.kept and not given.get(name):
                    self.add_error(name, MOVED)
            if self.errors:
                self.ask_secrets_again({name: value for name, value in given.items() if value})
        return given

    def has_moved(self) -> bool:
        """Whether a public property that is entered differs from the stored one."""
        entered = self.properties.public_values()
        public = (name for name in self.names if not self.declared.is_secret(name))
        return any(entered.get(name) != self.stored.get(name) for name in public)

    @classmethod
    def of(cls, credential: Credential, data: Mapping[str, Any] | None = None) -> "CredentialForm":
        """The edit form. Secret fields are blank, and blank keeps the stored value."""
        form = cls(
            credential.properties_class,
            data,
            stored=credential.properties,
            kept=dict(credential.secrets),
        )
        form.host_is_theirs = credential.host_is_theirs()
        form.initial.update(
            display_name=credential.name,
            metadata=credential.metadata,
            contact_email=credential.contact_email,
        )
        return form


class ConnectForm(PropertiesForm):
    """What a connect session needs before the redirect: the OAuth app and required properties."""

    def __init__(
        self,
        kind: type[OAuthKind],
        apps: models.QuerySet[OAuthApp],
        data: Mapping[str, Any] | None = None,
    ) -> None:
        questions = kind.properties_class.only(kind.oauth.required_properties)
        super().__init__(questions, data, names=kind.oauth.required_properties)
        if kind.client_is_ours():
            choice = forms.ModelChoiceField(apps, label="OAuth app", empty_label=None)
            self.fields = {"oauth_app": choice, **self.fields}
        self.fields["display_name"] = NameField(
            required=False, max_length=200, help_text="Leave empty to use the account's name."
        )
