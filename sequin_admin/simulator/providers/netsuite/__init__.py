"""Simulated NetSuite: OAuth 2, signed assertions, signed requests."""

from sequin_admin.simulator.providers.netsuite import api, oauth2, records, rows
from sequin_admin.simulator.providers.netsuite.common import provider

__all__ = ["api", "oauth2", "provider", "records", "rows"]
