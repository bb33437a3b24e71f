"""The tables of what is read from accounts and written to databases."""

from sequin_admin.syncs.models.collections import (
    Collection,
    Refresh,
)
from sequin_admin.syncs.models.former_secrets import FormerTargetSecrets
from sequin_admin.syncs.models.pipeline import (
    SLUG_CHARS,
    Consumer,
    SslMode,
    Stream,
    Sync,
    Target,
    new_badge_token,
)
from sequin_admin.syncs.models.search_texts import SyncText

__all__ = [
    "SLUG_CHARS",
    "Collection",
    "Consumer",
    "FormerTargetSecrets",
    "Refresh",
    "SslMode",
    "Stream",
    "Sync",
    "SyncText",
    "Target",
    "new_badge_token",
]
