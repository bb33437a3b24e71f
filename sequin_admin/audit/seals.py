"""Digests of events and MACs of seals, under keys of their own.

A key is random, and a row of the database, encrypted like every secret: who can only write into
the database can not forge a seal. Old keys stay, as their seals are verified with them.
"""

import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence

from sequin_admin.audit.tables import Seal, SealKey

KEY_BYTES, DIGEST_BYTES = 32, 16
# What of an event is sealed, in this order.
COLUMNS = (
    *("id", "organization_id", "at", "action", "actor", "actor_type", "actor_id"),
    *("target", "target_type", "target_id", "details", "address", "user_agent"),
)
# The anchor of a seal that records changed events: see `audit.redaction`.
REDACTION = "redaction"
AT = COLUMNS.index("at")
encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str).encode


def newest_key() -> SealKey:
    """The key that seals; made when it is first needed."""
    return SealKey.objects.order_by("-pk").first() or make_key(1)


def make_key(number: int) -> SealKey:
    """Make the key of that number; one that is there stays."""
    row, _ = SealKey.objects.get_or_create(
        pk=number, defaults={"secrets": {"key": secrets.token_hex(KEY_BYTES)}}
    )
    return row


def secret_of(key: SealKey) -> bytes:
    """Raises `DecryptionError`."""
    return bytes.fromhex(key.secrets["key"])


def digest_event(secret: bytes, columns: Sequence[object]) -> str:
    """128 bits of a MAC over the values of `COLUMNS`."""
    made = hmac.digest(secret, f"event {encode(columns)}".encode(), "sha256")
    return urlsafe_b64encode(made[:DIGEST_BYTES]).decode().rstrip("=")


def make_mac(secret: bytes, seal: Seal, previous: str) -> str:
    """The MAC over all columns of the seal, and the MAC of the one before; "" is none."""
    said = (
        *(previous, str(seal.chain), seal.number, seal.first_id, seal.last_id, seal.events),
        *(seal.newest_at, seal.pruned_to, seal.anchor, seal.floor, seal.sealed_at, seal.key_id),
        seal.entries,
    )
    return hmac.new(secret, f"seal {encode(said)}".encode(), "sha256").hexdigest()


def write_entries(digests: dict[int, str]) -> str:
    return " ".join(f"{pk}:{digest}" for pk, digest in digests.items())


def read_entries(text: str) -> dict[int, str]:
    """Raises `ValueError` for a text that is none."""
    parts = (entry.partition(":") for entry in text.split())
    return {int(pk): digest for pk, _, digest in parts}
