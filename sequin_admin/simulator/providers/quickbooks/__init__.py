"""Simulated QuickBooks Online: refresh tokens that change daily."""

from sequin_admin.simulator.providers.quickbooks import api, oauth
from sequin_admin.simulator.providers.quickbooks.common import provider

__all__ = ["api", "oauth", "provider"]
