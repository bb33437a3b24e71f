"""Workday: one credential per tenant and client or user."""

from sequin_admin.providers.workday.oauth import WorkdayOAuth
from sequin_admin.providers.workday.password import WorkdayPassword

__all__ = ["WorkdayOAuth", "WorkdayPassword"]
