"""Simulated Salesforce: My Domain hosts, a signed identity URL."""

from sequin_admin.simulator.providers.salesforce import (
    api,
    discovery,
    oauth,
    queries,
    records,
    rows,
)
from sequin_admin.simulator.providers.salesforce.common import provider

__all__ = ["api", "discovery", "oauth", "provider", "queries", "records", "rows"]
