"""What has changed at Linear."""

from datetime import date

from django.db.models import Q

from sequin_admin.credentials.kinds import ProviderChange

CHANGES = (
    ProviderChange(
        slug="linear-refresh-tokens",
        on=date(2026, 4, 1),
        title="Linear's apps are all on refresh tokens",
        what="Every grant comes with a refresh token. An access token without one is from before.",
        to_do="Connect these accounts again: then their tokens are renewed.",
        source="Linear's developer pages",
        checked_on=date(2026, 11, 28),
        credentials=Q(secret_names=["access_token"]),
    ),
)
