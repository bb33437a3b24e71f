"""Simulated Stripe: Connect, Stripe Apps, secret keys."""

from sequin_admin.simulator.providers.stripe import (
    api,
    apps,
    connect,
    events,
    lists,
    rows,
    webhooks,
)
from sequin_admin.simulator.providers.stripe.common import provider

__all__ = ["api", "apps", "connect", "events", "lists", "provider", "rows", "webhooks"]
