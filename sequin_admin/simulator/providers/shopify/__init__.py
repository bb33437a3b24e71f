"""Simulated Shopify: signed callbacks, expiring offline tokens."""

from sequin_admin.simulator.providers.shopify import api, oauth
from sequin_admin.simulator.providers.shopify.common import provider

__all__ = ["api", "oauth", "provider"]
