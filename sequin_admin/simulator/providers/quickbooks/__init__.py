"""Simulated QuickBooks Online: refresh tokens that change daily."""

from sequin_admin.simulator.providers.quickbooks import api, oauth, queries, rows
from sequin_admin.simulator.providers.quickbooks.common import provider

__all__ = ["api", "oauth", "provider", "queries", "rows"]
