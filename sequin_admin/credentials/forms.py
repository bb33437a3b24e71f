"""Forms generated from declared properties. A stored secret is never rendered into a page."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args, get_origin

from django import forms
from pydantic import SecretStr, ValidationError

from sequin_admin.core.field_errors import CONTRADICTION, FieldError, errors_in
from sequin_admin.core.forms import NameField
from sequin_admin.core.metadata import validate_metadata
from sequin_admin.core.strict_json import read_json
from sequin_admin.core.wrapping import words_in
from sequin_admin.credentials import oauth_apps
from sequin_admin.credentials.kinds import AppProperties, RefreshPace
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.properties import (
    ANOTHER,
    MASK,
    MASKED,
    Properties,
    is_mask,
    is_mask_of,
)

AGAIN = "Enter the secret again: we don't keep it in a page that was not saved."
MOVED = "Enter the secret again: it is only kept while nothing else about the account changes."
KEEP = "Leave it empty to keep the one that is set."


class PropertiesForm(forms.Form):
    """Fields for the properties `names` of `declared`.

    `stored` gives the initial values of public fields. A secret in `kept` may be left blank, or
    entered as its mask, which keeps the stored value. After `is_valid()`, `properties` holds the
    parsed result, with a mask for each secret that is kept.
    """

    properties: Properties

    def __init__(
        self,
        declared: type[Properties],
        data: Mapping[str, Any] | None = None,
        *,
        names: Iterable[str] | None = None,
        stored: Mapping[str, Any] | None = None,
        kept: Mapping[str, str] | None = None,
    ) -> None:
        self.names = tuple(names if names is not None else input_names(declared))
        self.declared, self.stored, self.kept = declared, stored or {}, kept or {}
        super().__init__(data, initial=dict(self.stored))
        mine = {name: field_for(declared, name, kept=name in self.kept) for name in self.names}
        self.fields = {**mine, **self.fields}

    def clean(self) -> dict[str, Any]:
        given = {name: self.cleaned_data[name] for name in self.names if name in self.cleaned_data}
        sent = {name: value for name, value in given.items() if is_entered(value)}
        for name in [name for name in sent if self.is_masked(name, sent[name])]:
            del sent[name]
        unseen = {n: v for n, v in self.stored.items() if n not in self.names}
        values = {**unseen, **{n: v for n, v in self.kept.items() if n not in sent}, **sent}
        try:
            parsed = self.declared.model_validate({**self.fixed(), **values})
            masks = {n: SecretStr(MASK) for n in self.kept if n not in sent}
            self.properties = parsed.model_copy(update=masks)
        except ValidationError as invalid:
            self.explain(invalid)
        if self.errors:
            self.ask_secrets_again(sent)
        return self.cleaned_data

    def is_masked(self, name: str, value: Any) -> bool:
        """Whether a mask was entered for a secret. An error unless the stored one can be kept."""
        if not self.declared.is_secret(name) or not is_mask(str(value)):
            return False
        if name not in self.kept:
            self.add_error(name, MASKED)
        elif not is_mask_of(str(value), self.kept[name]):
            self.add_error(name, ANOTHER)
        self.cleaned_data[name] = ""
        return True

    def fixed(self) -> dict[str, str]:
        """The discriminator, where the declaration has one."""
        has_kind = "kind" in self.declared.model_fields
        return {"kind": self.declared.kind_slug()} if has_kind else {}

    def explain(self, invalid: ValidationError) -> None:
        for error in errors_in(invalid):
            name, sentence = error.path[0] if error.path else "", sentence_of(self.declared, error)
            if name in self.fields and name not in self.errors:
                self.add_error(name, sentence)
            elif name not in self.fields:
                self.add_error(None, sentence)

    def ask_secrets_again(self, sent: Mapping[str, Any]) -> None:
        for name in self.names:
            if self.declared.is_secret(name) and name in sent and name not in self.errors:
                self.add_error(name, AGAIN)


def input_names(declared: type[Properties]) -> tuple[str, ...]:
    """Names of the properties that a person enters: all that are not read-only."""
    return tuple(
        name for name in declared.names() if not declared.options_of(name).get("read_only")
    )


def sentence_of(declared: type[Properties], error: FieldError) -> str:
    """What the person who entered it must do. Never contains what was entered."""
    name = error.path[0] if error.path else ""
    title = title_of(declared, name)
    if error.type == CONTRADICTION:
        return error.sentence
    if error.type == "missing":
        return f"{title} is missing. Enter it as the provider shows it."
    if error.type == "extra_forbidden":
        return f"{name} is not a property of this kind. Remove it."
    if error.type == "int_parsing":
        return f"{title} is not valid: enter a whole number, in digits."
    if error.type.startswith(("int", "bool", "float", "list", "literal")):
        return f"{title} is not valid: {error.message[0].lower()}{error.message[1:]}"
    return mismatch(declared, name)


def mismatch(declared: type[Properties], name: str) -> str:
    example = declared.options_of(name).get("example") if name in declared.model_fields else ""
    hint = f" It looks like {example}." if example else ""
    return f"{title_of(declared, name)} does not have the form that the provider uses.{hint}"


def title_of(declared: type[Properties], name: str) -> str:
    field = declared.model_fields.get(name)
    return str(field.title or name) if field else name


def field_for(declared: type[Properties], name: str, *, kept: bool = False) -> forms.Field:
    """The Django form field of one property."""
    info, extra = declared.model_fields[name], declared.options_of(name)
    help_text = f"{info.description or ''} {KEEP if kept else ''}".strip()
    options: dict[str, Any] = {
        "label": info.title or name,
        "help_text": help_text,
        "required": info.is_required() and not kept,
        "error_messages": {
            "required": f"{info.title or name} is missing. Enter it as the provider shows it."
        },
    }
    attributes = {"placeholder": str(extra.get("example") or ""), "autocomplete": "off"}
    if declared.is_secret(name):
        options["strip"] = not declared.is_password(name)
        return secret_field(options, multiline=bool(extra.get("multiline")))
    plain = plain_type(info.annotation)
    if plain is bool:
        return forms.BooleanField(**{**options, "required": False})
    if get_origin(plain) is Literal:
        choices = [(value, str(value)) for value in get_args(plain)]
        return forms.ChoiceField(choices=choices, **options)
    if get_origin(plain) is list:
        return WordsField(widget=forms.Textarea({**attributes, "rows": 3}), **options)
    if isinstance(info.default, str):
        options["help_text"] = f"{help_text} Leave it empty for {info.default}.".strip()
    return forms.CharField(widget=forms.TextInput(attributes), **options)


def plain_type(annotation: Any) -> Any:
    """`int | None` -> `int`."""
    options = [option for option in get_args(annotation) if option is not type(None)]
    is_optional = type(None) in get_args(annotation)
    return options[0] if is_optional else annotation


def secret_field(options: dict[str, Any], *, multiline: bool) -> forms.Field:
    """A write-only field: it is rendered empty whatever was submitted."""
    attributes = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
    widget = BlankTextarea({**attributes, "rows": 6}) if multiline else BlankPassword(attributes)
    return forms.CharField(widget=widget, **options)


def is_entered(value: Any) -> bool:
    """Whether there is more in a field than white space."""
    return bool(value.strip()) if isinstance(value, str) else value not in (None, [])


class BlankPassword(forms.PasswordInput):
    def __init__(self, attrs: dict[str, Any]) -> None:
        super().__init__({**attrs, "autocomplete": "new-password"}, render_value=False)


class BlankTextarea(forms.Textarea):
    def format_value(self, value: Any) -> str:
        return ""


class WordsField(forms.CharField):
    """A list of words, in any form in which people write one."""

    def prepare_value(self, value: Any) -> Any:
        return " ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        return words_in(str(super().clean(value) or ""))


class MetadataField(forms.CharField):
    """A JSON object, stored as it is."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict) and value:
            return json.dumps(value, indent=2, ensure_ascii=False)
        return value or ""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            parsed = read_json(text or "{}")
        except json.JSONDecodeError as mistake:
            raise forms.ValidationError(
                f"Line {mistake.lineno}, column {mistake.colno} is not valid JSON. Look there for "
                'a comma or a quote too many or missing; names and texts stand in "quotes".'
            ) from None
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        if not isinstance(parsed, dict):
            raise forms.ValidationError('Metadata is a JSON object, such as {"plan": "pro"}.')
        validate_metadata(parsed)
        return parsed


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
        form.host_is_theirs = credential.host_is_theirs
        form.initial.update(
            display_name=credential.name,
            metadata=credential.metadata,
            contact_email=credential.contact_email,
        )
        return form


class ConnectForm(PropertiesForm):
    """What a connect session needs before the redirect: the OAuth app and required properties."""

    def __init__(self, kind: Any, apps: Any, data: Mapping[str, Any] | None = None) -> None:
        questions = kind.properties_class.only(kind.oauth.required_properties)
        super().__init__(questions, data, names=kind.oauth.required_properties)
        if kind.client_is_ours():
            choice = forms.ModelChoiceField(apps, label="OAuth app", empty_label=None)
            self.fields = {"oauth_app": choice, **self.fields}
        self.fields["display_name"] = NameField(
            required=False, max_length=200, help_text="Leave empty to use the account's name."
        )


class RedirectURIsField(forms.CharField):
    """Absolute addresses without fragment, one per line (RFC 6749 section 3.1.2)."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        uris = str(super().clean(value) or "").split()
        for uri in uris:
            good = re.fullmatch(oauth_apps.REDIRECT_URI, uri)
            if not good or len(uri) > oauth_apps.REDIRECT_URI_CHARS:
                raise forms.ValidationError(
                    f"{uri[:100]} is not an absolute https address without a # part. Correct that "
                    "line; http is only for localhost."
                )
        return uris


class ScopesField(WordsField):
    """Scopes in the syntax of RFC 6749 section 3.3."""

    def clean(self, value: Any) -> Any:
        words = super().clean(value)
        for word in words:
            if not re.fullmatch(oauth_apps.SCOPE, word):
                raise forms.ValidationError(
                    f"{word[:100]} is not a scope: copy each one as the provider spells it, "
                    "without quotation marks."
                )
        return words


class PaceField(forms.IntegerField):
    """Empty is 0, which stands for the pace of the kind."""

    def clean(self, value: Any) -> int:
        return super().clean(value) or 0


class OAuthAppForm(PropertiesForm):
    """Our registration at a provider."""

    properties: AppProperties

    name = NameField(max_length=100, help_text="How the app is called here.")
    client_id = forms.CharField(label="Client ID", max_length=200)
    scopes = ScopesField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="What we ask for, separated by spaces. Empty means the usual ones.",
    )
    redirect_uris = RedirectURIsField(
        required=False,
        label="Redirect URIs of your own product",
        help_text="Where the API's connect flow may send people back to, one per line.",
    )
    renewals_per_second = PaceField(
        required=False,
        min_value=1,
        max_value=oauth_apps.MOST_RENEWALS_PER_SECOND,
        label="Renewals a second",
        help_text="How many tokens may be renewed through this app in a second. Empty means "
        f"{RefreshPace.per_app}: raise it when its page says that it can't keep up, and the "
        "provider allows more.",
    )
    metadata = MetadataField(required=False, help_text="JSON of your own, found again by the API.")

    def __init__(self, *args: Any, app: OAuthApp | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = [n for n in ("name", "client_id") if n in self.fields]
        self.order_fields([*mine, *self.names])
        if app:
            names = ("name", "client_id", "scopes", "redirect_uris", "metadata")
            self.initial.update({name: getattr(app, name) for name in names})
            self.initial["renewals_per_second"] = app.renewals_per_second or None
            # Tokens belong to the client id they were issued to.
            self.fields["client_id"].disabled = True

    @classmethod
    def of(cls, app: OAuthApp, data: Mapping[str, Any] | None = None) -> "OAuthAppForm":
        return cls(
            app.properties_class, data, app=app, stored=app.properties, kept=dict(app.secrets)
        )
