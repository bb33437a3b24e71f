"""Keyed digests, by which a secret is recognized years after it was forgotten.

The key is random and a row of the database, encrypted like every secret. So it survives a new
`SECRET_KEY`, and a new first `FIELD_ENCRYPTION_KEY`: `rotate_keys` re-encrypts the row, its value
stays. A copy of the database without those keys does not tell which token has which digest.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode

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
