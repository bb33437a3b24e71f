"""The tables of people and their rights: who owns a row, and who may do what."""

from sequin_admin.access.models.api_keys import (
    ApiKey,
    ApiKeyQuerySet,
    ApiKeyState,
    IdempotencyRecord,
    Scope,
)
from sequin_admin.access.models.people import (
    AccountManager,
    Findable,
    Invitation,
    Logo,
    Membership,
    Organization,
    OwnedQuerySet,
    StaffAccess,
    User,
)
from sequin_admin.access.models.tokens import (
    digest,
    new_invitation_token,
    new_token,
)

__all__ = [
    "AccountManager",
    "ApiKey",
    "ApiKeyQuerySet",
    "ApiKeyState",
    "Findable",
    "IdempotencyRecord",
    "Invitation",
    "Logo",
    "Membership",
    "Organization",
    "OwnedQuerySet",
    "Scope",
    "StaffAccess",
    "User",
    "digest",
    "new_invitation_token",
    "new_token",
]
