"""HubSpot: one credential per account."""

from sequin_admin.providers.hubspot.kind import HubSpot

__all__ = ["HubSpot"]
