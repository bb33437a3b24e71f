"""The contract of every kind. New kinds are included automatically."""

import re

import pytest
from pydantic import SecretStr, ValidationError

from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import (
    ClientCredentialsKind,
    KeyKind,
    OAuthKind,
    PasswordKind,
)
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.properties import MASK
from tests.factories import make_credential, sample_properties

pytestmark = pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)


def test_it_says_who_it_is(kind):
    assert kind.provider
    assert kind.provider_title
    assert kind.label
    assert kind.slug.startswith(kind.provider)
    assert kind.guide
    assert re.match(r"https://", kind.docs_url)
    assert kind.rate_source


def test_its_default_rate_is_a_valid_limit(kind):
    assert kind.rate.allowed_requests >= 1
    assert kind.rate.interval >= 100
    assert kind.rate.max_concurrent_requests >= 0


def test_every_property_is_titled_and_marked(kind):
    declared = kind.properties_class
    for name in declared.names():
        assert declared.model_fields[name].title, name
        assert "extension" in declared.options_of(name), name


def test_its_identity_is_public(kind):
    names = kind.identity_properties

    assert names
    assert set(names) <= set(kind.properties_class.names())
    assert not set(names) & set(kind.properties_class.secret_names())


def test_a_row_comes_back_as_its_kind(kind, organization):
    stored = make_credential(organization, kind.slug)

    assert type(Credential.objects.get(pk=stored.pk)) is kind
    assert kind.objects.get().pk == stored.pk


def test_other_kinds_rows_are_not_its_own(kind, organization):
    other = next(k for k in kinds.all() if k is not kind)
    make_credential(organization, other.slug)

    assert not kind.objects.exists()


def test_secrets_and_the_rest_are_kept_apart(kind, organization):
    stored = Credential.objects.get(pk=make_credential(organization, kind.slug, marker="hush").pk)

    assert set(stored.secrets) <= set(kind.properties_class.secret_names())
    assert not any("hush" in str(v) for n, v in stored.properties.items() if n in stored.secrets)
    assert {stored.masked_properties()[name] for name in stored.secrets} <= {MASK}


def test_what_is_parsed_again_is_the_same(kind, organization):
    stored = Credential.objects.get(pk=make_credential(organization, kind.slug).pk)

    again = stored.parsed()

    assert again.public_values() == stored.properties
    assert again.secret_values() == stored.secrets


def test_no_secret_shows_in_repr_or_str(kind, organization):
    sent = sample_properties(kind, "hush")
    secrets = [str(sent[n]) for n in kind.properties_class.secret_names() if n in sent]
    parsed = kind.properties_class.model_validate(sent)
    stored = make_credential(organization, kind.slug, marker="hush")

    shown = f"{parsed!r} {parsed} {stored!r} {stored} {stored.secrets!r} {stored.describe()}"

    assert not [secret for secret in secrets if secret in shown]


def test_an_unknown_property_is_refused(kind):
    with pytest.raises(ValidationError, match="colour"):
        kind.properties_class.model_validate({**sample_properties(kind), "colour": "blue"})


def test_a_missing_property_is_named(kind):
    declared, sent = kind.properties_class, sample_properties(kind)
    required = next(n for n in declared.names() if declared.model_fields[n].is_required())
    del sent[required]

    with pytest.raises(ValidationError) as refused:
        declared.model_validate(sent)

    assert [error["loc"] for error in refused.value.errors()] == [(required,)]


def test_a_wrong_value_is_not_repeated(kind):
    declared = kind.properties_class
    for name in declared.names():
        with pytest.raises(ValidationError) as refused:
            declared.model_validate({**sample_properties(kind), name: {"hush": "hush"}})
        assert "hush" not in str(refused.value)


def test_secret_properties_are_of_the_secret_type(kind):
    for name in kind.properties_class.names():
        if re.search(r"token$|secret$|password|private_key|api_key", name):
            assert kind.properties_class.is_secret(name), name


def test_its_values_keep_their_types(kind):
    parsed = kind.properties_class.model_validate(sample_properties(kind))

    for name in kind.properties_class.secret_names():
        assert isinstance(getattr(parsed, name), SecretStr | None)


def test_what_its_base_leaves_to_it_is_there(kind, organization):
    """A flow and whose account it got, or a way to authenticate calls."""
    stored = make_credential(organization, kind.slug)
    if issubclass(kind, OAuthKind):
        flow = kind.oauth
        assert flow.authorize_url.startswith(("https://", "{"))
        assert flow.token_url.startswith(("https://", "{"))
        assert set(flow.required_properties) <= set(kind.properties_class.names())
        assert kind.identify.__func__ is not OAuthKind.identify.__func__
    elif issubclass(kind, PasswordKind):
        assert stored.call_fields() or stored.call_login() or stored.signing()
    elif issubclass(kind, KeyKind):
        assert stored.static_token() in stored.secrets.values()
    else:
        assert issubclass(kind, ClientCredentialsKind)
    assert kind.mints_tokens() == (kind.mint is not Credential.mint)


def test_a_very_long_account_still_has_its_own_identity(kind):
    names = kind.identity_properties
    one, other = (dict.fromkeys(names, f"{'x' * 400}{end}") for end in "ab")

    assert len(kind.identity_of(one)) <= 300
    assert kind.identity_of(one) != kind.identity_of(other)


def test_its_guide_tells_what_to_click_and_what_to_paste(kind):
    steps = " ".join(kind.guide)

    assert len(kind.guide) >= 3
    assert all(step.endswith(".") and step[0].isupper() for step in kind.guide)
    assert re.search(r" (open|run|create|enable) | > |set \w+_", steps, re.I)
    if kind.oauth:
        assert "redirect URI" in steps
        assert re.search(r"scope|permission", steps)


def test_it_says_whether_it_gives_access_back(kind):
    # Providers that have a revocation call.
    offers = {"github", "hubspot", "linear", "quickbooks", "salesforce", "shopify"}
    offers_by_kind = {"netsuite_oauth2", "servicenow_oauth2", "stripe_oauth2"}

    revokes = kind.revoke is not Credential.revoke

    assert revokes == (kind.provider in offers or kind.slug in offers_by_kind)
