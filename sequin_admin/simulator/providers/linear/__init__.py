"""Simulated Linear: GraphQL, rotation with a grace period."""

from sequin_admin.simulator.providers.linear import api, oauth, rows, webhooks
from sequin_admin.simulator.providers.linear.common import provider

__all__ = ["api", "oauth", "provider", "rows", "webhooks"]
