"""Keyed digests, by which a secret is recognized without being kept.

Those that are looked for years later have a key of their own: it is random and a row of the
database, encrypted like every secret. So it survives a new `SECRET_KEY`, and a new first
`FIELD_ENCRYPTION_KEY`: `rotate_keys` re-encrypts the row, its value stays. A copy of the database
without those keys does not tell which token has which digest.

All others have `SECRET_KEY` as their key. This is what depends on it:

- what Django and allauth sign: the links of mails about a password or an address, which are valid
  for three days, and messages in cookies;
- `Credential.secrets_digest`, which `rotate_keys` renews;
- the marks by which an import's preview tells items of one account, for as long as it runs;
- fingerprints of tokens, of requests that may be repeated within a day, and of the values of a
  form that is open.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from functools import lru_cache
from hashlib import sha256

from django.conf import settings

from sequin_admin.core.models import DigestKey

KEY_BYTES, DIGEST_BYTES = 32, 16
DIGEST_CHARS = 22


def load_key() -> bytes:
    """The key; made when it is first needed. Raises `DecryptionError`."""
    row, _ = DigestKey.objects.get_or_create(
        pk=1, defaults={"secrets": {"key": secrets.token_hex(KEY_BYTES)}}
    )
    return bytes.fromhex(row.secrets["key"])


def keyed_digest(key: bytes, *parts: str) -> str:
    """HMAC-SHA256 of the parts, cut to 128 bits."""
    text = "\0".join(parts).encode()
    made = hmac.new(key, text, "sha256").digest()[:DIGEST_BYTES]
    return urlsafe_b64encode(made).decode().rstrip("=")


def secret_key_digests(salt: str, text: str | bytes) -> list[str]:
    """HMAC-SHA256 of the text under `SECRET_KEY`, then under each of `SECRET_KEY_FALLBACKS`.

    The first is stored or handed out; whatever compares takes any of them.
    """
    message = text.encode() if isinstance(text, str) else text
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    # Not `hmac.digest()`, which lets other threads run: the caller would wait for its next turn.
    return [hmac.new(salted_key(salt, key), message, sha256).hexdigest() for key in keys]


@lru_cache(32)
def salted_key(salt: str, key: str) -> bytes:
    """As Django's `salted_hmac()` makes it."""
    return sha256((salt + key).encode()).digest()
