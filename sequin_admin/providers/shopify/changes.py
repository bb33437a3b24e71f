"""What will change at Shopify."""

from datetime import date

from django.db.models import Q

from sequin_admin.credentials.kinds import ProviderChange

CHANGES = (
    ProviderChange(
        slug="shopify-expiring-tokens",
        on=date(2027, 1, 1),
        title="Shopify refuses offline tokens that never expire",
        what="Public apps must use expiring offline tokens: one hour of access, 90 days for the "
        "refresh token. Custom apps and those that merchants made may keep theirs.",
        to_do="If the app is public, open each of these credentials and exchange its token. The "
        "old token ends at once, so first see to it that no other system uses it.",
        source="Shopify changelogs of 10 December 2025 and 28 August 2026",
        checked_on=date(2026, 11, 28),
        credentials=Q(secret_names=["access_token"]),
    ),
)
