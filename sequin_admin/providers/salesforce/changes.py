"""What has changed at Salesforce."""

from datetime import date

from django.db.models import Q

from sequin_admin.credentials.kinds import Certainty, ProviderChange

CHANGES = (
    ProviderChange(
        slug="salesforce-connected-apps",
        on=date(2026, 5, 11),
        title="Salesforce secures apps that several organizations use",
        what="Such apps need PKCE and an allowlist of IP addresses, their refresh tokens work "
        "once (reuse revokes the grant at once), and one that is idle for 30 days ends. Since "
        "Spring '26 no new Connected Apps are made, but External Client Apps.",
        to_do="Put the address that this server calls from on the app's allowlist. PKCE and "
        "single-use refresh tokens are taken care of here; a second client secret can be staged "
        "before you replace the first.",
        source='Salesforce packaging guide, "Secure Your Connected Apps"; help article 005316711',
        checked_on=date(2026, 11, 28),
        certainty=Certainty.ONE_PAGE,
        apps=Q(),
    ),
)
