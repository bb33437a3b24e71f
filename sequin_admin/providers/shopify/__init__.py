"""Shopify: one credential per shop."""

from sequin_admin.providers.shopify.kind import Shopify

__all__ = ["Shopify"]
