"""Login sessions whose content is encrypted: allauth keeps an authenticator's new secret in it."""

from typing import Any

from cryptography.fernet import InvalidToken
from django.contrib.sessions.backends import db
from django.utils.encoding import force_bytes
from encrypted_model_fields.fields import CRYPTER

from sequin_admin.core import keyring


class SessionStore(db.SessionStore):
    """Django's store in the database. A session that no key opens is an empty one."""

    def encode(self, session_dict: dict[str, Any]) -> str:
        return str(CRYPTER.encrypt(super().encode(session_dict).encode()).decode())

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        try:
            return super().decode(CRYPTER.decrypt(force_bytes(session_data)).decode())
        except InvalidToken:
            return {}


def register_for_key_rotation() -> None:
    sessions = SessionStore.get_model_class()
    keyring.register_column(keyring.EncryptedColumn(sessions, "session_data", disposable=True))
