"""Secrets of second factors are encrypted and included in key rotation."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from cryptography.fernet import Fernet, MultiFernet
from django.core.management import call_command

from sequin_admin.access import second_factors
from sequin_admin.core import fields, keyring

NEW = Fernet.generate_key()


@pytest.fixture
def secret(user):
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    return secret


def stored(kind):
    return Authenticator.objects.get(type=kind)


def test_no_secret_lies_open(secret):
    codes = stored("recovery_codes").wrap().get_unused_codes()

    everything = str(list(Authenticator.objects.values()))

    assert secret not in everything
    assert not [code for code in codes if code in everything]


def test_codes_are_still_accepted(secret):
    code = stored("recovery_codes").wrap().get_unused_codes()[0]

    assert stored("recovery_codes").wrap().validate_code(code)
    assert second_factors.SecondFactorAdapter().decrypt(stored("totp").data["secret"]) == secret


def test_rotation_takes_them_along(secret, settings, monkeypatch, capsys):
    codes = stored("recovery_codes").wrap().get_unused_codes()
    settings.FIELD_ENCRYPTION_KEY = [NEW.decode(), *settings.FIELD_ENCRYPTION_KEY]
    keys = MultiFernet([Fernet(key) for key in settings.FIELD_ENCRYPTION_KEY])
    for module in (fields, keyring):
        monkeypatch.setattr(module, "CRYPTER", keys)
    fields.newest_key.cache_clear()

    call_command("rotate_keys")

    fields.newest_key.cache_clear()
    monkeypatch.setattr(second_factors, "CRYPTER", MultiFernet([Fernet(NEW)]))
    assert capsys.readouterr().out.endswith("0 rows left on the old key.\n")
    assert second_factors.SecondFactorAdapter().decrypt(stored("totp").data["secret"]) == secret
    assert stored("recovery_codes").wrap().get_unused_codes() == codes


def test_one_written_meanwhile_is_left_alone(secret):
    column = next(c for c in keyring.encrypted_columns() if str(c).endswith("data.secret"))
    read = list(column.raw)
    newer = Authenticator.objects.get(pk=read[0].pk)
    newer.data = {"secret": second_factors.SecondFactorAdapter().encrypt("NEWER")}
    newer.save()

    column.replace({newer.pk: keyring.Replacement(read[0].stored, "older")})

    assert second_factors.SecondFactorAdapter().decrypt(stored("totp").data["secret"]) == "NEWER"
