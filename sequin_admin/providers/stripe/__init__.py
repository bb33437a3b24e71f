"""Stripe's two kinds: the customer's own key, and OAuth through Connect or a Stripe App."""

from sequin_admin.providers.stripe import key, oauth

__all__ = ["key", "oauth"]
