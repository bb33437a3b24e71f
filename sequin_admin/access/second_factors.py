"""Encrypts the secrets of second factors with the same keys as all other secrets.

They are not bound to their user: allauth passes only the text to `encrypt()` and `decrypt()`. That
would not keep out somebody who writes into the database, who could as well replace the password's
hash or delete the second factor.
"""

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from encrypted_model_fields.fields import CRYPTER

from sequin_admin.core import keyring


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Stores the secrets of second factors encrypted."""

    def encrypt(self, text: str) -> str:
        return str(CRYPTER.encrypt(text.encode()).decode())

    def decrypt(self, encrypted_text: str) -> str:
        return str(CRYPTER.decrypt(encrypted_text.encode()).decode())


def register_for_key_rotation() -> None:
    """Authenticator apps have a `secret`, recovery codes a `seed`; passkeys store no secret."""
    for key in ("secret", "seed"):
        keyring.register_column(keyring.EncryptedJSONColumn(Authenticator, "data", key))
