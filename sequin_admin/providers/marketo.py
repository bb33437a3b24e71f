"""Marketo. Auth: https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/authentication

Errors, inside HTTP 200: https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/error-codes
"""

import re
from typing import Any, Literal

from sequin_admin.core import http
from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.collections import collection_schema
from sequin_admin.credentials.kinds import (
    ClientCredentialsKind,
    Plan,
    Properties,
    Property,
    Rate,
    RateLimitSignals,
    Secret,
    TokenGrant,
    register,
)
from sequin_admin.credentials.normalizers import host
from sequin_admin.credentials.outcomes import Outcome
from sequin_admin.tokens import protocol

BUSY_CODES = {"502", "604", "606", "608", "611", "614", "615", "713", "719"}


def munchkin_id(text: str) -> str:
    """In any case, without its dashes, or as the first label of Marketo's hosts."""
    label = host(text).removesuffix(".mktorest.com")
    found = re.fullmatch(r"([0-9]{3})[\s-]?([A-Za-z]{3})[\s-]?([0-9]{3})", label)
    return "-".join(found.groups()).upper() if found else text


class MarketoProperties(Properties):
    kind: Literal["marketo_client_credentials"]
    munchkin_id: str = Property(
        "Munchkin ID",
        extension=True,
        help="Admin > Integration > Munchkin.",
        example="123-ABC-456",
        pattern=r"\d{3}-[A-Z]{3}-\d{3}",
        normalizer=munchkin_id,
    )
    client_id: str = Property("Client ID", extension=True)
    client_secret: Secret = Property("Client secret", extension=True)
    api_user: str | None = Property("API user", extension=True, read_only=True)


@register
class Marketo(ClientCredentialsKind):
    provider, provider_title, label = "marketo", "Marketo", "client credentials"
    properties_class = MarketoProperties
    identity_properties = ("munchkin_id", "client_id")
    rate = Rate(allowed_requests=50, interval=20_000, max_concurrent_requests=5)
    rate_source = "https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/marketo-integration-best-practices"
    plans = (
        Plan(
            "Advised for one integration",
            Rate(allowed_requests=50, interval=20_000, max_concurrent_requests=5),
        ),
        Plan(
            "The whole subscription",
            Rate(allowed_requests=100, interval=20_000, max_concurrent_requests=10),
        ),
    )
    rate_limit_signals = RateLimitSignals(
        throttled=((429, ""), *((200, f'"code":"{code}"') for code in (606, 607, 615))),
        pause_s=20,
    )
    docs_url = (
        "https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/custom-services"
    )
    destination_properties = ("munchkin_id",)
    guide = (
        "In Marketo open Admin > Users & Roles and create a role with the API permissions the sync "
        "needs, and an API-only user with it.",
        "Open Admin > Integration > LaunchPoint and create a Custom service for that user.",
        "Press View Details and copy client ID and client secret.",
        "If the account lists allowed addresses, add the one we call from.",
    )

    catalogue = (
        collection_schema(
            "lead", "id!:number email firstName lastName createdAt:datetime updatedAt:datetime"
        ),
        collection_schema(
            "activity",
            "id!:number leadId:number activityTypeId:number activityDate:datetime "
            "attributes:object",
        ),
        collection_schema("program", "id!:number name type channel status updatedAt:datetime"),
        collection_schema("campaign", "id!:number name type active:boolean updatedAt:datetime"),
        collection_schema(
            "list", "id!:number name programName createdAt:datetime updatedAt:datetime"
        ),
    )

    class Meta:
        proxy = True
        app_label = "providers"

    def mint(self) -> TokenGrant:
        """Credentials are in the query: Marketo's identity service accepts no other place."""
        response = http.get(
            f"{self.base_url()}/identity/oauth/token",
            params={
                "grant_type": "client_credentials",
                "client_id": self.properties["client_id"],
                "client_secret": self.secrets["client_secret"],
            },
        )
        return protocol.parse_grant(type(self), response)

    @classmethod
    def properties_from_grant(cls, grant: TokenGrant) -> dict[str, Any]:
        """Marketo's `scope` is the e-mail address of the API-only user."""
        return {"api_user": grant.scope or None}

    def probe(self, token: str) -> Outcome:
        return self.classify(http.get(f"{self.base_url()}/rest/v1/stats/usage.json", bearer=token))

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        """By the code in the body: nearly every response of Marketo has status 200."""
        code = str(response.dig("errors", 0, "code") or "")
        if code in {"601", "602"}:
            return outcomes.expired(code, "Marketo refuses the access token.")
        if code == "603":
            return outcomes.customer_must(
                code,
                "Marketo denies access: the API user's role or the list of allowed addresses.",
                "widen the role or allow our address.",
            )
        if code == "607":
            message = "Marketo's daily quota of this subscription is used up."
            return outcomes.transient(code, message, retry_after_s=3600)
        if code in BUSY_CODES:
            message = "Marketo asks us to slow down or is busy."
            return outcomes.transient(code, message, retry_after_s=20)
        outcome = outcomes.by_status(response, "Marketo")
        if outcome.ok and response.dig("success") is not True:
            return outcomes.unclassified(response, "Marketo")
        return outcome

    def base_url(self) -> str:
        return f"https://{self.properties['munchkin_id']}.mktorest.com"
