"""What will change at HubSpot."""

from datetime import date

from django.conf import settings
from django.db.models import Q

from sequin_admin.credentials.kinds import ProviderChange
from sequin_admin.credentials.provider_changes import NOTHING

# Tokens are renewed at the dated endpoints, unless the setting says otherwise.
ON_V1 = settings.HUBSPOT_API_VERSION == "v1"

CHANGES = (
    ProviderChange(
        slug="hubspot-oauth-v1",
        on=date(2027, 2, 16),
        title="HubSpot's OAuth v1 endpoints end",
        what="The endpoints under /oauth/v1/ no longer issue, renew or describe tokens.",
        to_do="Sequin Admin renews at the dated endpoints unless HUBSPOT_API_VERSION is v1: then "
        "set it to 2026-03. Programs of yours that call /oauth/v1/ themselves must move too.",
        source='HubSpot changelog, "v1 OAuth API Deprecation"',
        checked_on=date(2026, 11, 28),
        credentials=Q() if ON_V1 else NOTHING,
        apps=Q() if ON_V1 else NOTHING,
    ),
)
