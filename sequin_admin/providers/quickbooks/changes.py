"""A rule of QuickBooks about each access."""

from datetime import date

from sequin_admin.credentials.kinds import ProviderChange

CHANGES = (
    ProviderChange(
        slug="quickbooks-five-years",
        when="Five years after each consent",
        title="QuickBooks ends each access after five years",
        what="Renewing does not move it. QuickBooks names the end when the request asks for it, "
        "which ours do.",
        to_do="The customer connects again before. Each credential's own end is listed by its day.",
        source="Intuit's SDK, version 6.5.4",
        checked_on=date(2026, 11, 28),
    ),
)
