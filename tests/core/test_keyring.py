"""Key rotation."""

import re
import sys
from collections import defaultdict
from contextlib import contextmanager

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from cryptography.fernet import Fernet, MultiFernet
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client

from sequin_admin.access import exports, former_secrets, keys
from sequin_admin.access.models import ExportPart
from sequin_admin.audit.seals import newest_key as newest_seal_key
from sequin_admin.connect import authorization_requests, flow, links
from sequin_admin.core import checks, clock, digests, fields, keyring
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.models import (
    Credential,
    FormerAppSecrets,
    FormerCredentialSecrets,
)
from sequin_admin.notifications import channels
from sequin_admin.notifications.models import ChannelKind
from sequin_admin.syncs.models import FormerTargetSecrets
from sequin_admin.tokens import grants
from tests.database_rows import iterate_rows
from tests.factories import make_credential, make_oauth_app, make_synced

OLD, NEW = Fernet.generate_key(), Fernet.generate_key()


@pytest.fixture
def use(monkeypatch, settings):
    """Set the encryption keys, newest first."""

    def ring(*keys):
        settings.FIELD_ENCRYPTION_KEY = [key.decode() for key in keys]
        crypter = MultiFernet([Fernet(key) for key in keys])
        ours = (module for name, module in sys.modules.items() if name.startswith("sequin_admin."))
        for module in [module for module in ours if hasattr(module, "CRYPTER")]:
            monkeypatch.setattr(module, "CRYPTER", crypter)
        fields.newest_key.cache_clear()

    yield ring
    fields.newest_key.cache_clear()


@pytest.fixture
def rows(use, organization):
    use(OLD)
    make_oauth_app(organization, "hubspot")
    return [make_credential(organization, "stripe_key", name=f"Key {n}") for n in range(5)]


def test_everything_is_readable_with_the_new_key_alone(use, rows, capsys):
    use(NEW, OLD)

    call_command("rotate_keys")

    assert capsys.readouterr().out.endswith("0 rows left on the old key.\n")
    use(NEW)
    assert all(row.secrets["secret"].startswith("sk_test") for row in Credential.objects.all())


def test_batches_miss_nothing(use, rows, monkeypatch):
    monkeypatch.setattr(keyring, "BATCH", 2)
    use(NEW, OLD)

    call_command("rotate_keys")

    assert [fields.is_current(token) for token in stored_tokens().values()] == [True] * 5


def test_a_broken_off_rotation_goes_on_where_it_stopped(use, rows, monkeypatch):
    monkeypatch.setattr(keyring, "BATCH", 2)
    use(NEW, OLD)
    next(credential_column().renew())
    done = {pk: token for pk, token in stored_tokens().items() if fields.is_current(token)}
    assert len(done) == 2

    call_command("rotate_keys")

    assert done.items() <= stored_tokens().items()


def test_a_row_written_meanwhile_is_left_alone(use, rows):
    use(NEW, OLD)
    column = credential_column()
    read = list(column.raw)
    row = Credential.objects.get(pk=read[0].pk)
    row.secrets = {"secret": "sk_test_newer"}
    row.save()

    column.renew_batch(read)

    row.refresh_from_db()
    assert row.secrets == {"secret": "sk_test_newer"}


def test_a_row_read_before_the_rotation_and_saved_after_it_has_the_new_key(use, rows):
    """Its secrets were not read, so it is saved with the token that it was loaded with."""
    row = Credential.objects.first()
    use(NEW, OLD)
    call_command("rotate_keys")

    row.save()

    assert all(map(fields.is_current, stored_tokens().values()))


def test_rows_that_a_process_saves_with_the_old_key_meanwhile_are_met_again(use, rows, capsys):
    use(NEW, OLD)
    token = stored_tokens()[rows[0].pk]
    saving = save_after_each_batch(rows[0].pk, token, times=1)

    with saving:
        call_command("rotate_keys")

    assert capsys.readouterr().out.endswith("\n0 rows left on the old key.\n")
    assert all(map(fields.is_current, stored_tokens().values()))


def test_a_process_that_goes_on_saving_with_the_old_key_is_told_of(use, rows):
    use(NEW, OLD)
    token = stored_tokens()[rows[0].pk]

    with (
        save_after_each_batch(rows[0].pk, token, times=100),
        pytest.raises(CommandError, match="1 row saved with the old key while this ran"),
    ):
        call_command("rotate_keys")


@contextmanager
def save_after_each_batch(pk, token, *, times):
    """Put `token` back after the first `times` batches of credentials, as another process would."""
    renew, left = keyring.EncryptedColumn.renew_batch, [pk] * times

    def renew_and_save(column, batch):
        done = renew(column, batch)
        if column.model is Credential and left:
            column.replace({left.pop(): keyring.Replacement(stored_tokens()[pk], token)})
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keyring.EncryptedColumn, "renew_batch", renew_and_save)
        yield


def credential_column():
    return next(c for c in keyring.encrypted_columns() if c.model is Credential)


def stored_tokens():
    return dict(credential_column().raw.values_list("pk", "stored"))


def test_a_lost_key_is_told_and_destroys_nothing(use, rows):
    use(NEW)

    with pytest.raises(CommandError, match="No key opens 6 of them"):
        call_command("rotate_keys")

    use(OLD)
    assert Credential.objects.first().secrets["secret"]


def test_starting_with_the_wrong_key_is_refused(use, rows):
    use(NEW)

    with pytest.raises(SystemExit, match="No key in FIELD_ENCRYPTION_KEY opens"):
        checks.refuse_unusable_database()


def test_starting_with_the_right_key_works(use, rows):
    use(NEW, OLD)

    assert checks.check_encryption_keys(["default"]) == []


@pytest.fixture
def everything(use, organization, user, client):
    """A row of every table that has an encrypted column."""
    use(OLD)
    client.force_login(user)
    totp.TOTP.activate(user, totp.generate_totp_secret())
    RecoveryCodes.activate(user)
    digests.load_key()
    newest_seal_key()
    channels.create(
        organization, ChannelKind.WEBHOOK, actor=user, name="hook", address="https://a.test/",
        min_severity="info",
    )  # fmt: skip
    # Told to the channel: a delivery.
    links.create(organization, [kinds.get("stripe_key")], actor=user)
    back = "https://product.test/"
    app = make_oauth_app(organization, "hubspot", redirect_uris=[back])
    oauth = {"oauth_app": app}
    kind = kinds.get("hubspot_oauth2")
    flow.start(organization, kind, user=user, session_key="browser", **oauth)
    authorization_requests.start(organization, kind, actor=user, redirect_url=back, **oauth)
    credential = make_credential(organization, "hubspot_oauth2", **oauth)
    grants.store_grant(credential, TokenGrant(access_token="a", refresh_token="b"))
    _, target, _ = make_synced(credential)
    for model, owner in (
        (FormerCredentialSecrets, credential),
        (FormerAppSecrets, app),
        (FormerTargetSecrets, target),
    ):
        former_secrets.keep(model, [former_secrets.Replaced(owner, {"secret": "a"})], user)
    export = exports.start(organization, actor=user, listed="credentials", query="", count=1)
    ExportPart.objects.create(
        organization=organization, export=export, number=0, secrets={"lines": "a"}
    )
    _, token = keys.create(organization, name="k", scopes=["read", "write", "keys"], actor=user)
    Client().post(
        "/v1/api-keys", {"name": "made", "scopes": ["read"]}, "application/json",
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "once"},
    )  # fmt: skip


def sealed_by_table():
    """Every Fernet token of the database, by its table, in whatever column it stands."""
    found = defaultdict(set)
    for row in iterate_rows(set()):
        tokens = re.findall(r"gAAAAA[\w-]+=*", row)
        if tokens:
            found[row.partition(":")[0]].update(tokens)
    return found


def test_no_encrypted_value_of_any_table_is_forgotten(use, everything, capsys):
    before = sealed_by_table()
    known = {column.model._meta.db_table for column in keyring.encrypted_columns()}
    # A new encrypted column belongs into the fixture, and one that is not ours must be registered.
    assert set(before) == known

    use(NEW, OLD)
    call_command("rotate_keys")

    assert capsys.readouterr().out.endswith("\n0 rows left on the old key.\n")
    after = sealed_by_table()
    assert {table: len(tokens) for table, tokens in after.items()} == {
        table: len(tokens) for table, tokens in before.items()
    }
    assert [t for t, tokens in after.items() if not all(map(fields.is_current, tokens))] == []


def test_people_stay_signed_in(use, client, user):
    use(OLD)
    client.force_login(user)
    use(NEW, OLD)

    call_command("rotate_keys")

    use(NEW)
    assert client.session["_auth_user_id"] == str(user.pk)


def test_a_session_that_no_key_opens_is_deleted_and_keeps_nobody_from_starting(use, rows):
    Session.objects.create(session_key="lost", session_data="in plain", expire_date=clock.now())

    assert checks.check_encryption_keys(["default"]) == []
    call_command("rotate_keys")

    assert not Session.objects.exists()
