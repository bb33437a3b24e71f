"""Simulated Shopify: signed callbacks, expiring offline tokens."""

from sequin_admin.simulator.providers.shopify import api, graphql_api, lists, oauth, rows, webhooks
from sequin_admin.simulator.providers.shopify.common import provider

__all__ = ["api", "graphql_api", "lists", "oauth", "provider", "rows", "webhooks"]
