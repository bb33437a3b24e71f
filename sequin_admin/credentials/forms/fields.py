"""Form fields of properties. A stored secret is never rendered into a page."""

import json
import re
from typing import Any, Literal, get_args, get_origin

from django import forms

from sequin_admin.core.metadata import validate_metadata
from sequin_admin.core.strict_json import read_json
from sequin_admin.core.wrapping import words_in
from sequin_admin.credentials import oauth_apps
from sequin_admin.credentials.properties import (
    Properties,
)

KEEP = "Leave it empty to keep the one that is set."


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


def is_entered(value: object) -> bool:
    """Whether there is more in a field than white space."""
    return bool(value.strip()) if isinstance(value, str) else value not in (None, [])


class BlankPassword(forms.PasswordInput):
    """A password field that never shows a value and that browsers don't fill in."""

    def __init__(self, attrs: dict[str, Any]) -> None:
        super().__init__({**attrs, "autocomplete": "new-password"}, render_value=False)


class BlankTextarea(forms.Textarea):
    """A text area that never shows a value, for secrets of several lines."""

    def format_value(self, value: object) -> str:
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
