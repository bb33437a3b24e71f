"""What will change at NetSuite."""

from datetime import date

from django.db.models import Q

from sequin_admin.credentials.kinds import Certainty, ProviderChange

SOURCE = "Oracle, as two integrators report it"
CHECKED_ON = date(2026, 11, 28)

NO_NEW_TBA = ProviderChange(
    slug="netsuite-no-new-tba",
    when="With release 2027.1; no day is published",
    title="NetSuite takes no new TBA integrations",
    what="New integrations can't use token-based authentication, and PKCE becomes mandatory. "
    "Integrations that exist go on.",
    to_do="Connect new accounts by client credentials, or by OAuth 2.0, which uses PKCE here.",
    source=SOURCE,
    checked_on=CHECKED_ON,
    certainty=Certainty.ONE_PAGE,
)
END_OF_TBA = ProviderChange(
    slug="netsuite-tba-ends",
    when="With release 2028.2; no day is published",
    title="NetSuite's token-based authentication ends",
    what="Accounts that are connected by token-based authentication lose access.",
    to_do="Ask these customers to connect again by client credentials before.",
    source=SOURCE,
    checked_on=CHECKED_ON,
    certainty=Certainty.TENTATIVE,
    credentials=Q(),
)
