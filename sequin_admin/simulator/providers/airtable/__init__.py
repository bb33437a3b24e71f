"""Simulated Airtable: OAuth, schemas, records."""

from sequin_admin.simulator.providers.airtable import records
from sequin_admin.simulator.providers.airtable.api import provider

__all__ = ["provider", "records"]
