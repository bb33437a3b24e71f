"""Linear: one credential per workspace."""

from sequin_admin.providers.linear.kind import Linear

__all__ = ["Linear"]
