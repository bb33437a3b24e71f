"""Tokens of API keys and invitations, of which only the hash is stored."""

import hashlib
import secrets


def digest(token: str) -> str:
    """SHA-256 without salt or stretching is enough: a token is 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    return f"sqn_{secrets.token_urlsafe(32)}"


def new_invitation_token() -> str:
    return secrets.token_urlsafe(32)
