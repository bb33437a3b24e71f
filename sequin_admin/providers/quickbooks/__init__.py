"""QuickBooks: one credential per company."""

from sequin_admin.providers.quickbooks.kind import QuickBooks

__all__ = ["QuickBooks"]
