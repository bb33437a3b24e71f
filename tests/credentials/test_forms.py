"""Forms derived from declared properties, for every kind and every OAuth app."""

import pytest
from django import forms

from sequin_admin.credentials import kinds
from sequin_admin.credentials.forms import (
    AGAIN,
    CredentialForm,
    MetadataField,
    OAuthAppForm,
    input_names,
)
from sequin_admin.credentials.properties import unmasked
from tests.factories import extras_of, make_credential, make_oauth_app, sample_properties

KEYS = [kind for kind in kinds.all() if not kind.oauth]
APPS = [provider for provider in kinds.providers() if kinds.oauth_of(provider)]
STRIPE = {"name": "Arrakis", "secret": "sk_test_arrakis0000000000000001", "test": "on"}


def of_kind(kind, data=None):
    return CredentialForm(kind.properties_class, data)


def as_posted(values):
    """JSON values as a browser posts them."""
    words = {name: " ".join(v) if isinstance(v, list) else v for name, v in values.items()}
    return {name: str(value) for name, value in words.items() if value is not False}


@pytest.mark.parametrize("kind", KEYS, ids=lambda kind: kind.slug)
def test_every_kind_takes_what_a_person_enters(kind):
    sent = sample_properties(kind)

    form = of_kind(kind, as_posted(sent))

    assert form.is_valid(), form.errors
    expected = kind.properties_class.model_validate(sent)
    assert form.properties.public_values() == expected.public_values()
    assert form.properties.secret_values() == expected.secret_values()


@pytest.mark.parametrize("kind", KEYS, ids=lambda kind: kind.slug)
def test_every_missing_property_is_named_at_its_field(kind):
    required = {
        name
        for name in input_names(kind.properties_class)
        if kind.properties_class.model_fields[name].is_required()
    }

    form = of_kind(kind, {"display_name": "Somebody"})

    assert {name for name in required if name in form.errors} == required
    for name in required:
        assert "is missing" in form.errors[name][0]


@pytest.mark.parametrize("kind", KEYS, ids=lambda kind: kind.slug)
def test_no_form_asks_for_what_we_read_ourselves(kind):
    declared = kind.properties_class
    read_only = set(declared.names()) - set(input_names(declared))

    assert not read_only & set(of_kind(kind).fields)


@pytest.mark.parametrize("kind", KEYS, ids=lambda kind: kind.slug)
def test_no_entered_secret_is_rendered_again(kind):
    values = as_posted(sample_properties(kind, marker="canary1"))

    form = of_kind(kind, {**values, "metadata": "{"})

    assert not form.is_valid()
    assert "canary1" not in form.as_div()
    for name in kind.properties_class.secret_names():
        if values.get(name):
            assert form.errors[name] == [AGAIN]


@pytest.mark.parametrize("kind", KEYS, ids=lambda kind: kind.slug)
def test_an_edit_form_shows_no_stored_secret_and_keeps_them_all(organization, kind):
    credential = make_credential(organization, kind.slug, marker="canary2")
    public = {
        n: v for n, v in credential.properties.items() if n in input_names(kind.properties_class)
    }

    form = CredentialForm.of(credential, as_posted(public))

    assert "canary2" not in CredentialForm.of(credential).as_div()
    assert form.is_valid(), form.errors
    entered = form.properties.secret_values()
    assert unmasked(entered, credential.secrets) == dict(credential.secrets)


@pytest.mark.parametrize("provider", APPS)
def test_every_app_form_takes_what_its_provider_shows(provider):
    declared = kinds.oauth_of(provider).app
    entered = {"client_secret": "canary3", **extras_of(declared)}

    form = OAuthAppForm(declared, as_posted({**entered, "name": "Ours", "client_id": "id"}))

    assert form.is_valid(), form.errors
    assert form.properties.secret_values()["client_secret"]


def test_an_app_form_keeps_blank_secrets_and_its_client_id(organization):
    app = make_oauth_app(organization, "github")
    public = {name: str(value) for name, value in app.properties.items()}

    form = OAuthAppForm.of(app, {**public, "name": "Renamed", "client_id": "another"})

    assert form.is_valid(), form.errors
    assert unmasked(form.properties.secret_values(), app.secrets) == dict(app.secrets)
    assert form.cleaned_data["client_id"] == app.client_id


def test_a_pattern_is_explained_without_what_was_entered():
    form = of_kind(kinds.get("stripe_key"), {**STRIPE, "secret": "canary4"})

    assert not form.is_valid()
    assert "does not have the form that the provider uses" in form.errors["secret"][0]
    assert "canary4" not in str(form.errors)


def test_a_field_that_may_stay_empty_says_what_it_then_is():
    scope = of_kind(kinds.get("netsuite_client_credentials")).fields["scope"]

    assert not scope.required
    assert scope.help_text == "Leave it empty for rest_webservices."


def test_values_that_do_not_go_together_are_explained():
    form = of_kind(kinds.get("stripe_key"), {**STRIPE, "test": ""})

    assert not form.is_valid()
    assert "test" in form.errors


@pytest.mark.parametrize("words", ['contacts al"l', "scope\\here"])
def test_a_misspelt_scope_is_refused(words):
    declared = kinds.oauth_of("hubspot").app
    sent = {"name": "Ours", "client_id": "id", "client_secret": "s", "scopes": words}

    assert "is not a scope" in OAuthAppForm(declared, sent).errors["scopes"][0]


def test_metadata_is_an_object():
    field = MetadataField(required=False)

    assert field.clean('{"plan": "pro"}') == {"plan": "pro"}
    assert field.clean("") == {}
    for wrong in ("[1]", "3", "{", '{"a": Infinity}'):
        with pytest.raises(forms.ValidationError):
            field.clean(wrong)


def test_metadata_shows_letters_as_they_are():
    assert "Zoë" in MetadataField().prepare_value({"name": "Zoë"})
