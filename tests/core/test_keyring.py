"""Key rotation."""

import pytest
from cryptography.fernet import Fernet, MultiFernet
from django.core.management import CommandError, call_command

from sequin_admin.core import checks, fields, keyring
from sequin_admin.credentials.models import Credential
from tests.factories import make_credential, make_oauth_app

OLD, NEW = Fernet.generate_key(), Fernet.generate_key()


@pytest.fixture
def use(monkeypatch, settings):
    """Set the encryption keys, newest first."""

    def ring(*keys):
        settings.FIELD_ENCRYPTION_KEY = [key.decode() for key in keys]
        crypter = MultiFernet([Fernet(key) for key in keys])
        for module in (fields, keyring):
            monkeypatch.setattr(module, "CRYPTER", crypter)
        keyring.newest_key.cache_clear()

    yield ring
    keyring.newest_key.cache_clear()


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

    column = next(c for c in keyring.encrypted_columns() if c.model is Credential)
    assert [keyring.is_current(token) for _, token in keyring.iterate_tokens(column)] == [True] * 5


def test_a_broken_off_rotation_goes_on_where_it_stopped(use, rows, monkeypatch):
    use(NEW, OLD)
    column = next(c for c in keyring.encrypted_columns() if c.model is Credential)
    done, token = next(keyring.iterate_tokens(column))
    keyring.rotate_token(column, done, token)
    rotated = []
    rotate = keyring.rotate_token
    monkeypatch.setattr(
        keyring, "rotate_token", lambda c, pk, t: rotated.append(pk) or rotate(c, pk, t)
    )

    call_command("rotate_keys")

    assert done not in rotated


def test_a_row_written_meanwhile_is_left_alone(use, rows):
    use(NEW, OLD)
    column = next(c for c in keyring.encrypted_columns() if c.model is Credential)
    pk, seen = next(keyring.iterate_tokens(column))
    row = Credential.objects.get(pk=pk)
    row.secrets = {"secret": "sk_test_newer"}
    row.save()

    assert not keyring.rotate_token(column, pk, seen)
    assert Credential.objects.get(pk=pk).secrets == {"secret": "sk_test_newer"}


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
