"""Secrets are encrypted for the place that they are sent to."""

import pytest
from django.apps import apps
from django.db import transaction

from sequin_admin.connect import credential_operations
from sequin_admin.connect.models import AuthorizationRequest, ConnectLink, ConnectSession
from sequin_admin.core import clock
from sequin_admin.core.fields import DecryptionError, EncryptedJSONField
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.notifications import channels
from sequin_admin.notifications.models import Channel, ChannelKind, Delivery
from sequin_admin.tokens import protocol
from sequin_admin.tokens.models import Token
from tests.factories import make_credential, make_oauth_app, make_synced

MOVABLE = [kind for kind in kinds.all() if kind.destination_properties]
ELSEWHERE = "https://harkonnen.example"


def addresses(credential):
    """Where the kind sends secrets: to its API and its token endpoint."""
    found = [credential.base_url()]
    if credential.oauth:
        values = {**credential.properties, **credential.secrets}
        if credential.client_is_ours():
            values |= {"client_id": "c"}
        context = kinds.OAuthContext("c", {}, values)
        found.append(credential.oauth.token_url.format(**credential.url_params(context)))
    return found


def store_token(credential):
    return Token.objects.create(
        credential=credential, version=1, secrets={"access_token": "spice-token"}
    )


@pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)
def test_a_kind_declares_what_decides_where_its_secrets_go(organization, kind):
    credential = make_credential(organization, kind.slug)
    if "instance_url" in kind.properties_class.names():
        credential.properties.setdefault("instance_url", "https://a.my.salesforce.com")
    before, stored = addresses(credential), dict(credential.properties)
    literals = {"region": "eu"}

    for name, value in stored.items():
        other = not value if isinstance(value, bool) else literals.get(name, f"{value}x")
        credential.properties = {**stored, name: other}
        if addresses(credential) != before:
            assert name in kind.destination_properties


@pytest.mark.parametrize("kind", MOVABLE, ids=lambda kind: kind.slug)
def test_a_host_changed_in_the_database_gets_no_secret(organization, kind):
    credential = make_credential(organization, kind.slug)
    store_token(credential)
    name = kind.destination_properties[0]
    moved = {**credential.properties, name: ELSEWHERE}
    Credential.objects.filter(pk=credential.pk).update(properties=moved)

    row = Credential.objects.select_related("token").get(pk=credential.pk)

    with pytest.raises(DecryptionError, match="destination"):
        row.secrets  # noqa: B018
    with pytest.raises(DecryptionError):
        row.token.secrets  # noqa: B018
    with pytest.raises(DecryptionError):
        Token.objects.get(pk=credential.pk).secrets  # noqa: B018


@pytest.mark.parametrize("kind", MOVABLE, ids=lambda kind: kind.slug)
@pytest.mark.parametrize("columns", [None, ["properties", "updated_at"]], ids=str)
@pytest.mark.parametrize("opened", [True, False])
def test_a_lawful_change_of_host_takes_the_secrets_along(organization, kind, columns, opened):
    made = make_credential(organization, kind.slug)
    store_token(made)
    credential = Credential.objects.get(pk=made.pk)
    if opened:
        assert credential.secrets

    credential.properties = {**credential.properties, kind.destination_properties[0]: ELSEWHERE}
    credential.save(update_fields=columns)

    row = Credential.objects.select_related("token").get(pk=made.pk)
    assert row.secrets == made.secrets
    assert row.token.secrets == {"access_token": "spice-token"}
    assert credential.secrets == made.secrets


def test_an_import_of_another_host_takes_the_place_of_the_former(organization, user):
    first = make_credential(organization, "salesforce_oauth2")
    parsed = first.parsed()
    parsed.instance_url = "https://moved.my.salesforce.com"

    saved = credential_operations.save_credential(organization, parsed, actor=user)

    assert (saved.credential.pk, saved.is_new) == (first.pk, False)
    assert Credential.objects.get().secrets == first.secrets


def test_a_change_that_fails_leaves_both_as_they_were(organization):
    credential = make_credential(organization, "servicenow_oauth2")
    store_token(credential)

    credential.properties = {**credential.properties, "instance_url": ELSEWHERE}
    with transaction.atomic():
        credential.save()
        transaction.set_rollback(True)

    row = Credential.objects.select_related("token").get()
    assert row.secrets
    assert row.token.secrets == {"access_token": "spice-token"}


def test_another_organization_does_not_open_it(organization, stranger):
    credential = make_credential(organization, "stripe_key")
    theirs = stranger.memberships.get().organization
    Credential.objects.update(organization=theirs)

    with pytest.raises(DecryptionError):
        Credential.objects.get(pk=credential.pk).secrets  # noqa: B018


def every_other_row(organization, user):
    """One row of every other model with secrets, and a column that decides where they go."""
    app = make_oauth_app(organization, "hubspot")
    _, target, _ = make_synced(make_credential(organization, "stripe_key"))
    hook = channels.create(
        organization,
        ChannelKind.WEBHOOK,
        actor=user,
        name="Hook",
        address="https://arrakis.example/hook",
    )
    common = {"organization": organization, "expires_at": clock.now()}
    digests = {"token_digest": protocol.digest("x")}
    sent = Delivery.objects.create(
        organization=organization,
        to="a@b.test",
        type="x",
        severity="info",
        notice={},
        secrets={"url": "secret"},
    )
    link = ConnectLink.objects.create(
        **common, **digests, provider="hubspot", kinds=[], secrets={"token": "secret"}
    )
    request = AuthorizationRequest.objects.create(
        **common, **digests, kind="hubspot_oauth2", redirect_app=app, secrets={"state": "secret"}
    )
    session = ConnectSession.objects.create(
        **common, kind="hubspot_oauth2", oauth_app=app, secrets={"verifier": "secret"}
    )
    other = make_oauth_app(organization, "hubspot", name="Other")
    return [
        (app, {"provider": "linear"}),
        (target, {"host": "harkonnen.example"}),
        (target, {"port": 1}),
        (hook, {"address": ELSEWHERE}),
        (sent, {"to": "baron@giedi-prime.test"}),
        (link, {"redirect_url": ELSEWHERE}),
        (request, {"redirect_url": ELSEWHERE}),
        (session, {"oauth_app": other}),
    ]


def test_no_other_secret_goes_to_a_place_changed_in_the_database(organization, user, stranger):
    theirs = stranger.memberships.get().organization
    for row, moved in every_other_row(organization, user):
        model = type(row)
        for change in (moved, {"organization": theirs}):
            before = {name: getattr(row, name) for name in change}
            assert model.objects.get(pk=row.pk).secrets
            model.objects.filter(pk=row.pk).update(**change)
            with pytest.raises(DecryptionError):
                model.objects.get(pk=row.pk).secrets  # noqa: B018
            model.objects.filter(pk=row.pk).update(**before)


@pytest.mark.parametrize("deferred", [True, False])
def test_a_channel_keeps_its_signing_secret_with_a_new_address(organization, user, deferred):
    hook = channels.create(
        organization,
        ChannelKind.WEBHOOK,
        actor=user,
        name="Hook",
        address="https://arrakis.example/hook",
    )
    rows = Channel.objects.defer("secrets") if deferred else Channel.objects.all()
    channels.update(rows.get(), actor=user, address="https://caladan.example/hook")

    assert Channel.objects.get().secrets == hook.secrets


def test_every_encrypted_column_names_its_organization():
    columns = {
        model._meta.label: field.bind
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, EncryptedJSONField)
    }

    # A token names that of its credential; a key of the installation belongs to none.
    assert columns.pop("tokens.Token") == ("credential_id", "credential_seal")
    assert columns.pop("core.DigestKey") == ("id",)
    assert columns.pop("audit.SealKey") == ("id",)
    assert len(columns) >= 9
    assert {bind[0] for bind in columns.values()} == {"organization_id"}
