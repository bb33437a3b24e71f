"""Simulated HubSpot: OAuth in two versions, limits in its headers."""

from sequin_admin.simulator.providers.hubspot import (
    api,
    oauth,
    objects,
    owners,
    rows,
    search,
    webhooks,
)
from sequin_admin.simulator.providers.hubspot.common import provider

__all__ = ["api", "oauth", "objects", "owners", "provider", "rows", "search", "webhooks"]
