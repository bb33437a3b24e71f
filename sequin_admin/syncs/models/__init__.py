"""The tables of what is read from accounts and written to databases."""

from sequin_admin.syncs.models.collections import (
    Collection,
    Refresh,
)
from sequin_admin.syncs.models.former_secrets import FormerTargetSecrets
from sequin_admin.syncs.models.pipeline import (
    SLUG_CHARS,
    Consumer,
    Stream,
    Sync,
    Target,
    new_badge_token,
)
from sequin_admin.syncs.models.runs import (
    CollectionState,
    DeleteMethod,
    Run,
    RunSlot,
    RunStatus,
    RunWait,
    iso_time,
)
from sequin_admin.syncs.models.ssl_modes import SslMode

__all__ = [
    "SLUG_CHARS",
    "Collection",
    "CollectionState",
    "Consumer",
    "DeleteMethod",
    "FormerTargetSecrets",
    "Refresh",
    "Run",
    "RunSlot",
    "RunStatus",
    "RunWait",
    "SslMode",
    "Stream",
    "Sync",
    "Target",
    "iso_time",
    "new_badge_token",
]
