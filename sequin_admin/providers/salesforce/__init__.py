"""Salesforce: one credential per organization."""

from sequin_admin.providers.salesforce.kind import Salesforce

__all__ = ["Salesforce"]
