"""Login sessions whose content is encrypted: allauth keeps an authenticator's new secret in it.

What is encrypted can't be forged, so Django's signature is left out: a new `SECRET_KEY` signs
nobody out.
"""

from typing import Any

from cryptography.fernet import InvalidToken
from django.contrib.sessions.backends import db
from django.utils.encoding import force_bytes
from encrypted_model_fields.fields import CRYPTER

from sequin_admin.core import clock, keyring, pruning


class SessionStore(db.SessionStore):
    """Django's store in the database. A session that no key opens is an empty one."""

    def encode(self, session_dict: dict[str, Any]) -> str:
        return str(CRYPTER.encrypt(self.serializer().dumps(session_dict)).decode())

    @classmethod
    def clear_expired(cls) -> None:
        """What `manage.py clearsessions` does."""
        expired = cls.get_model_class().objects.filter(expire_date__lt=clock.now())
        pruning.prune(expired, by="expire_date")

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        try:
            return dict(self.serializer().loads(CRYPTER.decrypt(force_bytes(session_data))))
        except (InvalidToken, ValueError):
            return {}


def register_for_key_rotation() -> None:
    sessions = SessionStore.get_model_class()
    keyring.register_column(keyring.EncryptedColumn(sessions, "session_data", disposable=True))
