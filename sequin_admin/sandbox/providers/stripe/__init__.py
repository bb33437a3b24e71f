"""Stripe as providers.md section 14 describes it: Connect OAuth, secret and restricted keys."""

from sequin_admin.sandbox.providers.stripe import api, connect
from sequin_admin.sandbox.providers.stripe.common import provider

__all__ = ["api", "connect", "provider"]
