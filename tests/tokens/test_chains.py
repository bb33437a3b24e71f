"""Rotating refresh tokens: what was ever part of a living chain changes nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.management import call_command
from django.db import connection

from sequin_admin.access.models import Scope
from sequin_admin.connect import credential_operations
from sequin_admin.core import clock, keyring, pruning
from sequin_admin.core.models import DigestKey
from sequin_admin.credentials import kinds, outcomes
from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Refused
from sequin_admin.tokens import (
    attempts,
    chains,
    grants,
    lifetimes,
    protocol,
    renewal,
    renewal_leases,
)
from sequin_admin.tokens.models import ChainDigest, Token
from tests.dashboard.conftest import address
from tests.edit_forms import submit
from tests.factories import make_oauth_app, sample_properties

PAUL, FEYD = "usrziLeD23j9AJ1", "usrFeydRautha012"
ONE = "/v1/credentials"
BULK = f"{ONE}/bulk"
ROTATING = {
    *("airtable_oauth2", "linear_oauth2", "quickbooks_oauth2", "salesforce_oauth2"),
    *("shopify_oauth2", "workday_oauth2"),
}


@pytest.fixture
def app(make_app):
    return make_app("airtable")


@pytest.fixture
def credential(app, connect):
    return connect(app, PAUL).credential


@pytest.fixture
def operator(make_client, organization):
    return make_client(organization, Scope.READ, Scope.WRITE, Scope.SECRETS)


@pytest.fixture
def exported(operator, credential):
    """The credential as an export wrote it, to be imported again."""
    shown = operator.get(f"{ONE}/{credential.pk}", truncate_secrets="false").json()
    return {name: shown[name] for name in ("properties", "oauth_app_id")}


def fresh(credential):
    return Credential.objects.select_related("oauth_app").get(pk=credential.pk)


def token_of(credential):
    return Token.objects.get(pk=credential.pk)


def expire(credential):
    past = clock.now() - timedelta(seconds=1)
    Token.objects.filter(pk=credential.pk).update(expires_at=past, refresh_at=past)


def renew(credential):
    expire(credential)
    return renewal.get_access_token(fresh(credential))


def import_one(client, body):
    return client.post(ONE, body)


def import_many(client, body):
    return client.post(BULK, {"credentials": [body]})


def notice_in(answer):
    shown = answer.json()
    return (shown["data"][0] if "data" in shown else shown).get("notice", "")


def import_with_sync(client, body):
    """Sent along with a sync. Answers as an import does."""
    sync = {"name": "Bases", "provider": "airtable", "collection_ids": []}
    answer = client.post("/v1/syncs", {**sync, "credential": body})
    assert answer.status_code == 201, answer.content
    shown = answer.json()["credential"]
    assert set(shown) - {"notice"} == set(client.get(f"{ONE}/{shown['id']}").json())
    return SimpleNamespace(status_code=200, content=answer.content, json=lambda: shown)


@pytest.mark.parametrize("send", [import_one, import_many, import_with_sync])
@pytest.mark.parametrize("renewals", [0, 1, 3])
def test_an_old_file_does_not_spend_the_chain(operator, credential, exported, send, renewals):
    for _ in range(renewals):
        renew(credential)
    before, token = fresh(credential), token_of(credential)

    answer = send(operator, exported)

    assert answer.status_code == 200, answer.content
    assert "was kept" in notice_in(answer)
    assert dict(fresh(credential).secrets) == dict(before.secrets)
    after = token_of(credential)
    assert (after.version, after.lease_fence) == (token.version, token.lease_fence)
    assert after.expires_at == token.expires_at
    assert renew(credential), "The chain lives on at the provider."


@pytest.mark.parametrize("send", [import_one, import_many])
def test_an_old_file_without_the_account_s_id_is_found_by_its_token(
    operator, credential, exported, send
):
    del exported["properties"]["airtable_uid"]
    renew(credential)

    assert "was kept" in notice_in(send(operator, exported))

    assert Credential.objects.count() == 1
    assert renew(credential)


def test_two_rows_of_one_chain_are_one_account(operator, credential, exported):
    renew(credential)
    newer = operator.get(f"{ONE}/{credential.pk}", truncate_secrets="false").json()
    rows = [exported, {name: newer[name] for name in exported}]
    for row in rows:
        del row["properties"]["airtable_uid"]

    answer = operator.post(BULK, {"credentials": rows})

    assert answer.status_code == 422
    assert "same account" in str(answer.json()["validation_errors"])


@pytest.mark.parametrize("send", [import_one, import_many])
def test_importing_what_is_being_spent_does_not_stop_the_renewal(
    operator, credential, exported, monkeypatch, send
):
    asked = protocol.refresh

    def refresh(kind, context, refresh_token):
        send(operator, {**exported, "name": "Renamed"})
        return asked(kind, context, refresh_token)

    monkeypatch.setattr(protocol, "refresh", refresh)

    token = renew(credential)

    stored = fresh(credential)
    assert stored.name == "Renamed"
    assert stored.secrets["refresh_token"] != exported["properties"]["refresh_token"]
    assert renewal.stored_access_token(token_of(credential)) == token
    monkeypatch.undo()
    assert renew(credential)


@pytest.mark.parametrize("send", [import_one, import_many])
def test_a_new_token_entered_during_a_renewal_stays(
    operator, credential, exported, monkeypatch, send
):
    asked, other = protocol.refresh, "entered-meanwhile"
    before = token_of(credential)

    def refresh(kind, context, refresh_token):
        monkeypatch.setattr(protocol, "refresh", asked)
        grant = asked(kind, context, refresh_token)
        properties = {**exported["properties"], "refresh_token": other}
        assert not notice_in(send(operator, {**exported, "properties": properties}))
        return grant

    monkeypatch.setattr(protocol, "refresh", refresh)
    monkeypatch.setattr("sequin_admin.health.probes.verify", lambda *args, **kwargs: None)

    with pytest.raises(Refused):
        renew(credential)

    after = token_of(credential)
    assert fresh(credential).secrets["refresh_token"] == other
    assert after.version > before.version
    assert after.lease_fence > before.lease_fence + 1
    assert not after.is_valid(clock.now())


def test_a_connection_between_lease_and_call_is_not_spent(app, connect, credential, simulated):
    expire(credential)
    lease = renewal_leases.acquire_lease(Token.objects.with_credential().get(pk=credential.pk))
    connect(app, PAUL, reconnects=credential)
    asked = len(simulated.calls("airtable"))

    with pytest.raises(Refused, match="was replaced"):
        attempts.renew_with_lease(lease)

    assert len(simulated.calls("airtable")) == asked
    assert renew(credential)


def test_a_refused_chain_takes_any_token(operator, credential, exported, simulated):
    first = exported["properties"]["refresh_token"]
    renew(credential)
    simulated.act("airtable", PAUL, "revoke")
    with pytest.raises(Refused):
        renew(credential)

    answer = import_many(operator, exported)

    assert not notice_in(answer)
    assert fresh(credential).secrets["refresh_token"] == first
    token = token_of(credential)
    assert token.next_try_at is None, "It is tried at once."
    assert token.refresh_at <= clock.now()


def test_what_a_connection_brings_replaces_the_chain(operator, app, connect, credential, exported):
    renew(credential)
    before = token_of(credential)

    connect(app, PAUL, reconnects=credential)

    after = token_of(credential)
    assert after.version > before.version
    assert after.lease_fence > before.lease_fence
    assert "was kept" in notice_in(import_many(operator, exported)), "The file's is older."
    assert renew(credential)


def test_another_account_begins_another_chain(operator, app, connect, credential, exported):
    del exported["properties"]["airtable_uid"]
    connect(app, FEYD, reconnects=credential, replaces_account=True)
    stored = fresh(credential)
    assert stored.properties["airtable_uid"] != PAUL

    answer = import_many(operator, exported)

    assert answer.json()["created"] == 1, "The file is of the former account."
    assert dict(fresh(credential).secrets) == dict(stored.secrets)


def test_no_token_of_the_former_chain_is_tried_again(app, connect, credential):
    token = Token.objects.with_credential().get(pk=credential.pk)
    token.secrets = {**token.secrets, "previous_refresh_token": "of-the-former"}
    token.previous_until = clock.now() + timedelta(days=1)
    token.save()

    connect(app, PAUL, reconnects=credential)

    assert "previous_refresh_token" not in token_of(credential).secrets


def test_the_digests_outlive_a_new_secret_key(operator, credential, exported, settings):
    renew(credential)
    settings.SECRET_KEY = "another secret key, of a later year"

    assert "was kept" in notice_in(import_many(operator, exported))


def test_the_digests_outlive_a_new_encryption_key(credential, exported):
    key = DigestKey.objects.get().secrets["key"]
    columns = {str(column) for column in keyring.encrypted_columns()}

    call_command("rotate_keys")

    assert "core.DigestKey.secrets" in columns
    assert DigestKey.objects.get().secrets["key"] == key


def test_a_token_can_not_be_told_from_its_digest(credential):
    digests = set(ChainDigest.objects.values_list("digest", flat=True))
    secret = credential.secrets["refresh_token"]

    assert digests
    assert not any(secret[:8] in digest for digest in digests)


def pass_days(monkeypatch, days):
    at = clock.now() + timedelta(days=days)
    monkeypatch.setattr(clock, "now", lambda: at)


def test_what_was_issued_unseen_is_forgotten_and_nothing_else(
    operator, credential, exported, monkeypatch
):
    monkeypatch.setattr(pruning, "BATCH_SIZE", 2)
    for _ in range(4):
        renew(credential)
    shown = operator.get(f"{ONE}/{credential.pk}", truncate_secrets="false").json()
    for _ in range(4):
        renew(credential)
    pass_days(monkeypatch, 31)
    assert chains.prune() == 7

    assert chains.prune() == 0
    again = {name: shown[name] for name in exported}
    assert "was kept" in notice_in(import_many(operator, again)), "It was shown."
    assert "was kept" in notice_in(import_many(operator, exported)), "It was connected."
    newest = fresh(credential)
    current = {**exported["properties"], "refresh_token": newest.secrets["refresh_token"]}
    answer = import_many(operator, {**exported, "properties": current})
    assert "was kept" in notice_in(answer), "It is stored."
    assert dict(fresh(credential).secrets) == dict(newest.secrets)


def test_what_was_issued_is_kept_for_some_weeks(credential, monkeypatch):
    renew(credential)
    renew(credential)
    pass_days(monkeypatch, 29)

    assert chains.prune() == 0


def test_the_spent_token_of_a_long_pause_is_known_again(
    operator, credential, exported, monkeypatch
):
    """Its digest was pruned while it was the stored one."""
    renew(credential)
    stored = fresh(credential).secrets["refresh_token"]
    ChainDigest.objects.exclude(issued_at=None).delete()

    renew(credential)

    sent = {**exported["properties"], "refresh_token": stored}
    assert "was kept" in notice_in(import_many(operator, {**exported, "properties": sent}))


def test_deleting_the_credential_deletes_its_chain(credential):
    credential.delete()

    assert not ChainDigest.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_imports_edits_and_renewals_at_once_keep_the_chain(operator, credential, exported):
    def importing(number):
        return import_many(operator, {**exported, "name": f"Name {number}"}).status_code

    def renewing(number):
        return 200 if renew(credential) else 500

    def one(number):
        try:
            return (importing, renewing)[number % 2](number)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(24))) == {200}

    assert Credential.objects.count() == 1
    assert renew(credential)


# Every kind, without a provider.


def enter(operator, kind, app=None, **properties):
    sent = {"properties": {**sample_properties(kind), **properties}}
    answer = import_many(operator, sent | ({"oauth_app_id": str(app.pk)} if app else {}))
    assert answer.status_code == 200, answer.content
    return answer


def rotated(credential):
    """As a renewal would leave it."""
    lease = renewal_leases.acquire_lease(token_of(credential))
    grant = TokenGrant(access_token="at_fresh", refresh_token="rt_fresh", expires_in_s=3600)
    grants.store_grant(fresh(credential), grant, lease=lease)
    return fresh(credential)


def test_every_kind_with_a_flow_says_whether_its_refresh_tokens_rotate():
    flows = {kind.slug: kind.oauth.rotates for kind in kinds.all() if kind.oauth}

    assert {slug for slug, rotates in flows.items() if rotates} == ROTATING


# Those that have a secret of their own.
LASTING = [
    kind
    for kind in kinds.all()
    if kind.slug not in ROTATING and kind.properties_class.secret_names()
]


def another(secret):
    """What is behind a private key is cut off, so it takes another key."""
    if "PRIVATE KEY" not in secret:
        return f"{secret}changed"
    key = rsa.generate_private_key(65537, 2048)
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(serialization.Encoding.PEM, *form).decode().strip()


@pytest.mark.parametrize("kind", LASTING, ids=lambda kind: kind.slug)
def test_what_does_not_rotate_is_replaced_in_place(operator, organization, kind):
    enter(operator, kind)
    credential = Credential.objects.get()
    if lifetimes.is_renewable(credential):
        lease = renewal_leases.acquire_lease(token_of(credential))
        grants.store_grant(credential, TokenGrant("at_1", expires_in_s=3600), lease=lease)
    before = Token.objects.filter(pk=credential.pk).first()
    name = kind.properties_class.secret_names()[-1]
    value = another(sample_properties(kind)[name])
    known = dict(credential.properties)
    if credential.identity is None:
        properties = {**known, **dict.fromkeys(kind.identity_properties[:1], "1")}
        Credential.objects.filter(pk=credential.pk).update(identity=kind.identity_of(properties))
        known = properties

    enter(operator, kind, **known, **{name: value})

    assert fresh(credential).secrets[name] == value
    if before:
        after = token_of(credential)
        assert after.version > before.version
        assert after.lease_fence > before.lease_fence
        assert not after.is_valid(clock.now())


@pytest.mark.parametrize("slug", sorted(ROTATING | {"stripe_oauth2"}))
def test_what_rotates_is_kept(operator, organization, slug):
    kind = kinds.get(slug)
    more = {"properties": {"app_type": "apps"}} if slug == "stripe_oauth2" else {}
    app = make_oauth_app(organization, kind.provider, **more) if kind.client_is_ours() else None
    enter(operator, kind, app)
    credential = rotated(Credential.objects.get())
    token = token_of(credential)

    answer = enter(operator, kind, app)

    assert "was kept" in notice_in(answer)
    stored = fresh(credential)
    assert stored.secrets[kind.oauth.refresh_property] == "rt_fresh"
    assert (token_of(stored).version, token_of(stored).expires_at) == (
        token.version,
        token.expires_at,
    )


@pytest.mark.parametrize("slug", ["linear_oauth2", "shopify_oauth2"])
def test_a_file_from_before_refresh_tokens_does_not_end_the_chain(operator, organization, slug):
    kind = kinds.get(slug)
    app = make_oauth_app(organization, kind.provider)
    enter(operator, kind, app, refresh_token=None)
    credential = Credential.objects.get()
    Token.objects.get_or_create(credential=credential)
    renewed = rotated(credential)
    assert renewed.secrets["refresh_token"] == "rt_fresh"

    answer = enter(operator, kind, app, refresh_token=None)

    assert "was kept" in notice_in(answer)
    assert fresh(credential).secrets["refresh_token"] == "rt_fresh"
    enter(operator, kind, app, refresh_token=None, access_token="at_of_another_app")
    assert "refresh_token" not in fresh(credential).secrets, "A new one replaces all."
    assert token_of(credential).refresh_at is None


def test_a_new_client_secret_during_a_renewal_loses_neither(
    organization, user, monkeypatch, operator
):
    kind = kinds.get("workday_oauth2")
    enter(operator, kind)
    credential = Credential.objects.get()
    sent = {**sample_properties(kind), "refresh_token": "***********", "client_secret": "new"}
    properties = kind.properties_class.model_validate(sent)

    def refresh(kind, context, refresh_token):
        credential_operations.replace_secrets(credential, properties, actor=user)
        return TokenGrant("at_2", refresh_token="rt_2", expires_in_s=3600)

    monkeypatch.setattr(protocol, "refresh", refresh)

    assert renew(credential) == "at_2"

    assert dict(fresh(credential).secrets) == {"client_secret": "new", "refresh_token": "rt_2"}


@pytest.mark.parametrize("door", ["add", "credential_edit"])
def test_the_page_says_that_a_token_was_kept(operator, client, user, settings, door):
    settings.SIMULATOR_URL = "http://127.0.0.1:9"  # no provider answers
    kind = kinds.get("workday_oauth2")
    enter(operator, kind)
    credential = rotated(Credential.objects.get())
    client.force_login(user)

    place = address(door, kind.slug if door == "add" else credential.pk)
    post = client.post if door == "add" else partial(submit, client)
    sent = sample_properties(kind)
    answer = post(place, {**sent, "host": sent["host"].upper()}, follow=True)

    said = [str(message) for message in answer.context["messages"]]
    assert "is saved." in said[0] or "was here already" in said[0]
    assert "the stored one was kept" in said[1]
    assert said[2:] == ["Host is kept as wd2-impl-services1.workday.com."]
    assert fresh(credential).secrets["refresh_token"] == "rt_fresh"


def test_a_refused_client_is_no_refused_chain(operator, monkeypatch):
    kind = kinds.get("workday_oauth2")
    enter(operator, kind)
    credential = rotated(Credential.objects.get())

    def refresh(kind, context, refresh_token):
        raise Refused(outcomes.client_refused("invalid_client", "Workday", client_is_ours=False))

    monkeypatch.setattr(protocol, "refresh", refresh)
    with pytest.raises(Refused):
        renew(credential)

    answer = enter(operator, kind, client_secret="corrected")

    assert "was kept" in notice_in(answer)
    stored = fresh(credential)
    assert dict(stored.secrets) == {"client_secret": "corrected", "refresh_token": "rt_fresh"}
    assert token_of(credential).next_try_at is None


def test_a_digest_key_that_can_not_be_read_costs_no_answer(operator, credential, monkeypatch):
    def unreadable():
        raise chains.DecryptionError("no key")

    monkeypatch.setattr(chains, "load_key", unreadable)

    assert renew(credential)
