"""GitHub: one credential per installation of our app."""

from sequin_admin.providers.github.kind import GitHub

__all__ = ["GitHub"]
