"""Simulated ServiceNow: each instance has clients of its own."""

from sequin_admin.simulator.providers.servicenow import api, oauth
from sequin_admin.simulator.providers.servicenow.common import provider

__all__ = ["api", "oauth", "provider"]
