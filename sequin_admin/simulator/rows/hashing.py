"""Numbers that look random and are a pure function of a key and a place."""

from hashlib import blake2b

SCALE = 1 << 64
FRACTIONS = SCALE >> 11
from_bytes = int.from_bytes


def make_key(*parts: object) -> bytes:
    """A key of its own for each list of parts."""
    return blake2b("\x1f".join(map(str, parts)).encode(), digest_size=32).digest()


def hash_at(key: bytes, place: int, digest_size: int = 8) -> int:
    data = place.to_bytes(16, "big", signed=True)
    return from_bytes(blake2b(data, key=key, digest_size=digest_size).digest(), "big")


def fraction_at(key: bytes, place: int) -> float:
    """From 0 up to, but not including, 1."""
    data = place.to_bytes(16, "big", signed=True)
    return (from_bytes(blake2b(data, key=key, digest_size=8).digest(), "big") >> 11) / FRACTIONS
