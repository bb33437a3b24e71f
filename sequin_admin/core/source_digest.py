"""Tells one version of our code from another, the same in all processes that run it."""

from functools import cache
from hashlib import sha256
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
CHARS = 8


@cache
def source_digest() -> str:
    """Hexadecimal digits for the content of all of our modules."""
    digest = sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:CHARS]
