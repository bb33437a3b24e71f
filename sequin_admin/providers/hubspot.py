"""HubSpot. OAuth: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/oauth

Limits: https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
"""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from django.conf import settings

from sequin_admin.core import clock, http
from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.collections import collection_schema
from sequin_admin.credentials.kinds import (
    MAX_NUMBER,
    OAuth2,
    OAuthContext,
    Plan,
    Properties,
    Property,
    Rate,
    RateLimitSignals,
    Secret,
    TokenGrant,
    register,
)
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.normalizers import address_of, host, number_named, segments
from sequin_admin.credentials.outcomes import Outcome, Refused, Verdict

API = "https://api.hubapi.com"
OAUTH = f"{API}/oauth/{settings.HUBSPOT_API_VERSION}"
CLIENT_CODES = {"BAD_CLIENT_ID", "BAD_CLIENT_SECRET", "BAD_REDIRECT_URI", "MISMATCH_REDIRECT_URI"}
UNAVAILABLE_STATUSES = {423, 477, *range(521, 525)}


def account_number(text: str) -> str:
    """The account of https://app.hubspot.com/contacts/21902692/..., or of ?portalId=21902692."""
    parts = address_of(text)
    of_app = parts and re.fullmatch(r"app(-[a-z]{2}[0-9])?\.hubspot\.com", parts.netloc)
    path = segments(parts) if parts and of_app else []
    in_path = next((part for part in path if part.isdecimal()), "")
    return in_path or number_named("portalId", "hubId", "hub_id")(text)


class HubSpotProperties(Properties):
    kind: Literal["hubspot_oauth2"]
    hub_domain: str | None = Property(
        "Hub domain",
        help="The account's domain.",
        example="arrakis.io",
        default=None,
        normalizer=host,
    )
    hub_id: int = Property(
        "Hub ID",
        help="The account's number.",
        example="21902692",
        minimum=1,
        maximum=MAX_NUMBER,
        normalizer=account_number,
    )
    refresh_token: Secret = Property("Refresh token")
    scopes: list[str] = Property("Scopes", help="What the account granted.")
    user_id: int | None = Property(
        "User ID",
        extension=True,
        read_only=True,
        help="Who connected it.",
        minimum=1,
        maximum=MAX_NUMBER,
    )
    time_zone: str | None = Property("Time zone", extension=True, read_only=True)


@register
class HubSpot(Credential):
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
    oauth: ClassVar[OAuth2] = OAuth2(
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

    catalogue = (
        collection_schema(
            "contact",
            "id! email firstname lastname phone lifecyclestage createdate:datetime "
            "lastmodifieddate:datetime",
        ),
        collection_schema(
            "company",
            "id! name domain industry createdate:datetime hs_lastmodifieddate:datetime",
        ),
        collection_schema(
            "deal",
            "id! dealname dealstage pipeline amount:number closedate:datetime "
            "hs_lastmodifieddate:datetime",
        ),
        collection_schema(
            "ticket",
            "id! subject content hs_pipeline_stage createdate:datetime "
            "hs_lastmodifieddate:datetime",
        ),
        collection_schema("product", "id! name hs_sku price:number hs_lastmodifieddate:datetime"),
        collection_schema(
            "line_item", "id! name quantity:number price:number hs_lastmodifieddate:datetime"
        ),
        collection_schema(
            "owner", "id! email firstName lastName createdAt:datetime updatedAt:datetime"
        ),
    )

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
            return outcomes.expired(
                category or "unauthorized", "HubSpot refuses the access token."
            ).with_evidence(response)
        if response.status == 403 and category == "MISSING_SCOPES":
            return outcomes.customer(
                category,
                f"HubSpot did not grant us a scope that the sync needs{missing_scopes(response)}.",
                "The customer must connect the account again and allow it.",
                "You must connect the account again and allow it.",
            ).with_evidence(response)
        if response.status in UNAVAILABLE_STATUSES:
            wait = outcomes.retry_after(response)
            message = f"HubSpot can't serve this account right now ({response.status})."
            return outcomes.transient("unavailable", message, retry_after_s=wait).with_evidence(
                response
            )
        return outcomes.by_status(response, "HubSpot")

    @classmethod
    def classify_token_error(cls, response: Response) -> Outcome:
        code = str(response.data().get("status", ""))
        if code in CLIENT_CODES and response.data().get("error") != "invalid_grant":
            return outcomes.client_refused(code, "HubSpot", client_is_ours=True).with_evidence(
                response
            )
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
        if not response.ok:
            raise Refused(self.classify_token_error(response))

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
