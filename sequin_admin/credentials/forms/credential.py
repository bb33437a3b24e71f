"""The forms of a credential: entered by hand, or asked before a login at the provider."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db import models

from sequin_admin.core.forms import NameField
from sequin_admin.credentials.forms.fields import MetadataField, ScopesField
from sequin_admin.credentials.forms.properties import PropertiesForm
from sequin_admin.credentials.kinds import OAuthKind
from sequin_admin.credentials.models import Credential, OAuthApp

MOVED = "Enter the secret again: it is only kept while nothing else about the account changes."


class AccountForm(PropertiesForm):
    """Properties, and what we note about the account: names, contact and metadata."""

    display_name = NameField(
        required=False,
        max_length=200,
        help_text="What your team calls this credential, in lists and messages. The customer does "
        "not see it. Leave it empty to use the account's name.",
    )
    contact_email = forms.EmailField(
        label="Customer's contact",
        required=False,
        help_text="Is mailed a link when only the customer can mend something. Empty: nobody is.",
    )
    metadata = MetadataField(
        required=False, help_text="JSON of your own, which every search finds."
    )


class CredentialForm(AccountForm):
    """A key or password of a kind, with what we note about the account."""

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
    def of(
        cls, credential: Credential, data: Mapping[str, object] | None = None
    ) -> "CredentialForm":
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


class ConnectForm(AccountForm):
    """What a connect session needs before the redirect: OAuth app, scopes, required properties."""

    def __init__(
        self,
        kind: type[OAuthKind],
        apps: models.QuerySet[OAuthApp],
        data: Mapping[str, Any] | None = None,
    ) -> None:
        questions = kind.properties_class.only(kind.oauth.required_properties)
        super().__init__(questions, data, names=kind.oauth.required_properties)
        if kind.oauth.scopes:
            self.fields["scopes"] = ScopesField(
                required=False,
                widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
                help_text="What to ask for this time, separated by spaces. Empty: what this page "
                "lists, which a reconnect asks for in any case.",
            )
        if kind.client_is_ours():
            choice = forms.ModelChoiceField(apps, label="OAuth app", empty_label=None)
            self.fields = {"oauth_app": choice, **self.fields}

    def details(self) -> dict[str, Any]:
        """What `flow.start()` keeps for the credential to come."""
        names = ("contact_email", "metadata", "scopes")
        return {n: self.cleaned_data[n] for n in names if self.cleaned_data.get(n)}
