"""Simulated Workday: tenants in the path, REST, SOAP and reports."""

from sequin_admin.simulator.providers.workday import api, oauth, soap
from sequin_admin.simulator.providers.workday.common import provider

__all__ = ["api", "oauth", "provider", "soap"]
