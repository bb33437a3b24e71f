"""Connect links: a customer without a login connects one account with a single-use URL.

The token is in the URL of the link's first page only. Opening it authorizes the browser session
for the link; the pages after it have the link's id in their URL.
"""

from sequin_admin.connect.links.closing import (
    LinkClosed,
    LinkUsed,
    prune,
    refuse_closed,
    revoke,
    revoke_many,
)
from sequin_admin.connect.links.creation import MAX_LIFETIME, BadLink, TooManyLinks, create
from sequin_admin.connect.links.details import address, record_exported, update_link
from sequin_admin.connect.links.reconnects import create_reconnect, create_reconnects, only_app_for
from sequin_admin.connect.links.uses import (
    MAX_TRIES,
    complete,
    count_try,
    fail,
    find,
    record_opened,
    submit_properties,
)

__all__ = [
    "MAX_LIFETIME",
    "MAX_TRIES",
    "BadLink",
    "LinkClosed",
    "LinkUsed",
    "TooManyLinks",
    "address",
    "complete",
    "count_try",
    "create",
    "create_reconnect",
    "create_reconnects",
    "fail",
    "find",
    "only_app_for",
    "prune",
    "record_exported",
    "record_opened",
    "refuse_closed",
    "revoke",
    "revoke_many",
    "submit_properties",
    "update_link",
]
