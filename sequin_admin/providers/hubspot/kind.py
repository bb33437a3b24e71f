"""HubSpot. OAuth: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/oauth

Limits: https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from sequin_admin.core import clock, http
from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.kinds import (
    OAuth2,
    OAuthContext,
    OAuthKind,
    Plan,
    Rate,
    RateLimitSignals,
    TokenGrant,
    register,
)
from sequin_admin.credentials.outcomes import Outcome, Refused, Verdict
from sequin_admin.providers.hubspot.catalogue import CATALOGUE
from sequin_admin.providers.hubspot.changes import CHANGES
from sequin_admin.providers.hubspot.properties import HubSpotProperties

API = "https://api.hubapi.com"
OAUTH = f"{API}/oauth/{settings.HUBSPOT_API_VERSION}"
CLIENT_CODES = {"BAD_CLIENT_ID", "BAD_CLIENT_SECRET", "BAD_REDIRECT_URI", "MISMATCH_REDIRECT_URI"}
UNAVAILABLE_STATUSES = {423, 477, *range(521, 525)}


@register
class HubSpot(OAuthKind):
    """An OAuth grant for one HubSpot account, which is called a hub."""

    provider, provider_title, label = "hubspot", "HubSpot", "OAuth"
    properties_class = HubSpotProperties
    identity_properties = ("hub_id",)
    known_by = ("hub_domain", "hub_id")
    rate = Rate(allowed_requests=100, interval=10_000, max_concurrent_requests=10)
    rate_source = "https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines"
    plans = (
        Plan(
            "Public app, any tier",
            Rate(allowed_requests=110, interval=10_000, max_concurrent_requests=10),
        ),
        Plan(
            "Private app, Free or Starter",
            Rate(allowed_requests=100, interval=10_000, max_concurrent_requests=10),
        ),
        Plan(
            "Private app, Professional or Enterprise",
            Rate(allowed_requests=190, interval=10_000, max_concurrent_requests=10),
        ),
    )
    rate_limit_signals = RateLimitSignals(remaining="x-hubspot-ratelimit-remaining")
    docs_url = "https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/oauth/oauth-quickstart-guide"
    oauth = OAuth2(
        authorize_url="https://app.hubspot.com/oauth/authorize",
        token_url=f"{OAUTH}/token",
        rotates=False,
        scopes=("oauth", "tickets", "crm.lists.read", "crm.objects.contacts.read"),
        scope_descriptions={
            "oauth": "Connect to your HubSpot account",
            "tickets": "Read and change tickets",
            "crm.lists.read": "Read lists",
            "crm.objects.contacts.read": "Read contacts",
            "crm.objects.contacts.write": "Add and change contacts",
            "crm.objects.companies.read": "Read companies",
            "crm.objects.companies.write": "Add and change companies",
            "crm.objects.deals.read": "Read deals",
            "crm.objects.deals.write": "Add and change deals",
            "crm.objects.owners.read": "Read owners",
        },
        access_life_s=1800,
    )
    guide = (
        "In HubSpot's developer portal open Apps and create an app, or choose yours.",
        "On its Auth tab add the redirect URI shown here.",
        "Add the scopes you want to sync with; they must be the same here and there.",
        "Copy the client ID and the client secret from the same tab.",
    )
    catalogue = CATALOGUE
    changes = CHANGES

    class Meta:
        proxy = True
        app_label = "providers"

    def probe(self, token: str) -> Outcome:
        url = f"{API}/account-info/{settings.HUBSPOT_API_VERSION}/details"
        response = http.get(url, bearer=token)
        outcome = self.classify(response)
        if is_daily_limit(response):
            wait_s = until_midnight_s(str(self.properties.get("time_zone")))
            return replace(outcome, retry_after_s=max(wait_s, outcome.retry_after_s or 0))
        if not outcome.ok:
            return outcome
        zone = response.dig("timeZone")
        return outcomes.works(time_zone=zone if isinstance(zone, str) else None)

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        """HubSpot's API errors, distinguished by `category`."""
        category = str(response.data().get("category", ""))
        if response.status == 401:
            return outcomes.expired(category or "unauthorized", "HubSpot refuses the access token.")
        if response.status == 403 and category == "MISSING_SCOPES":
            return outcomes.customer_must(
                category,
                f"HubSpot did not grant us a scope that the sync needs{missing_scopes(response)}.",
                "connect the account again and allow it.",
            )
        if response.status in UNAVAILABLE_STATUSES:
            wait = outcomes.retry_after(response)
            message = f"HubSpot can't serve this account right now ({response.status})."
            return outcomes.transient("unavailable", message, retry_after_s=wait)
        return super().classify(response)

    @classmethod
    def classify_token_error(cls, response: Response) -> Outcome:
        code = str(response.data().get("status", ""))
        if code in CLIENT_CODES and response.data().get("error") != "invalid_grant":
            return outcomes.client_refused(code, "HubSpot", client_is_ours=True)
        return super().classify_token_error(response)

    @classmethod
    def identify(cls, grant: TokenGrant, context: OAuthContext) -> dict[str, Any]:
        """The account's id, domain, user and scopes, from the introspection endpoint."""
        response = http.post(
            f"{OAUTH}/token/introspect",
            form={
                "client_id": context.client_id,
                "client_secret": str(context.app["client_secret"]),
                "token": grant.access_token,
                "token_type_hint": "access_token",
            },
        )
        discovered = response.data()
        if not response.ok or not discovered.get("active"):
            outcome = cls.classify(response)
            raise Refused(not_active() if outcome.verdict is Verdict.OK else outcome)
        names = ("hub_id", "hub_domain", "scopes", "user_id")
        return {name: discovered.get(name) for name in names}

    @classmethod
    def properties_from_grant(cls, grant: TokenGrant) -> dict[str, Any]:
        """Answers of the dated token endpoints name user and scopes, those of v1 do not."""
        return {name: grant.raw.get(name) for name in ("scopes", "user_id")}

    def revoke(self, token: str) -> None:
        context = self.oauth_context()
        response = http.post(
            f"{OAUTH}/token/revoke",
            form={
                "token": self.secrets["refresh_token"],
                "client_id": context.client_id,
                "client_secret": str(context.app["client_secret"]),
            },
        )
        self.require_revoked(response)

    def base_url(self) -> str:
        return API


def is_daily_limit(response: Response) -> bool:
    return response.status == 429 and response.data().get("policyName") == "DAILY"


def until_midnight_s(time_zone: str) -> float:
    """Seconds until the daily limit starts again: at midnight of the account's zone, else UTC."""
    try:
        local = clock.now().astimezone(ZoneInfo(time_zone))
    except (KeyError, ValueError, OSError):
        local = clock.now()
    midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.timestamp() - local.timestamp()


def missing_scopes(response: Response) -> str:
    """The missing scopes that HubSpot names, in brackets; empty if it names none."""
    scopes = response.dig("errors", 0, "context", "requiredGranularScopes")
    return f" ({', '.join(map(str, scopes))})" if scopes and isinstance(scopes, list) else ""


def not_active() -> Outcome:
    return outcomes.transient("inactive", "HubSpot gave us a token and calls it inactive.")
