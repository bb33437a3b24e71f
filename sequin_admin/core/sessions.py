"""Login sessions whose content is encrypted: allauth keeps an authenticator's new secret in it."""

from typing import Any

from cryptography.fernet import InvalidToken
from django.contrib.sessions.backends import db
from django.utils.encoding import force_bytes
from encrypted_model_fields.fields import CRYPTER


class SessionStore(db.SessionStore):
    """Django's store in the database. A session that no key opens is an empty one.

    Sessions are not re-encrypted with a new key: once the former key is gone, people whose session
    it had encrypted sign in again.
    """

    def encode(self, session_dict: dict[str, Any]) -> str:
        return str(CRYPTER.encrypt(super().encode(session_dict).encode()).decode())

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        try:
            return super().decode(CRYPTER.decrypt(force_bytes(session_data)).decode())
        except InvalidToken:
            return {}
