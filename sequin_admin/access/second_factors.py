"""Secrets of second factors lie in the database sealed, as all others do."""

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from encrypted_model_fields.fields import CRYPTER

from sequin_admin.core import keyring


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    def encrypt(self, text: str) -> str:
        return str(CRYPTER.encrypt(text.encode()).decode())

    def decrypt(self, encrypted_text: str) -> str:
        return str(CRYPTER.decrypt(encrypted_text.encode()).decode())


def join_key_rotation() -> None:
    """Of authenticator apps the secret, of recovery codes the seed; passkeys keep no secret."""
    for key in ("secret", "seed"):
        keyring.register(keyring.EncryptedJSONColumn(Authenticator, "data", key))
