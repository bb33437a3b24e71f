"""SendGrid. Keys: https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/authentication"""

from typing import Literal

from sequin_admin.core import http
from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.collections import collection_schema
from sequin_admin.credentials.kinds import (
    MAX_NUMBER,
    KeyKind,
    Properties,
    Property,
    Rate,
    RateLimitSignals,
    Secret,
    register,
)
from sequin_admin.credentials.normalizers import host, one_of
from sequin_admin.credentials.outcomes import Outcome

HOSTS = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}


def region(text: str) -> str:
    """In any case, or as the host of the region."""
    hosts = {"api.sendgrid.com": "global", "api.eu.sendgrid.com": "eu"}
    return hosts.get(host(text), one_of("global", "eu")(text))


class SendGridProperties(Properties):
    kind: Literal["sendgrid_key"]
    api_key: Secret = Property(
        "API key", extension=True, example="SG.xxxx.yyyy", pattern=r"SG\.[\w-]+\.[\w-]+"
    )
    region: Literal["global", "eu"] = Property(
        "Region",
        extension=True,
        help="Where the account's data is kept.",
        default="global",
        normalizer=region,
    )
    username: str | None = Property("User name", extension=True, read_only=True)
    user_id: int | None = Property(
        "User ID", extension=True, read_only=True, minimum=1, maximum=MAX_NUMBER
    )
    scopes: list[str] | None = Property("Scopes", extension=True, read_only=True)


@register
class SendGrid(KeyKind):
    provider, provider_title, label = "sendgrid", "SendGrid", "API key"
    properties_class = SendGridProperties
    destination_properties = ("region",)
    identity_properties = ("user_id", "region")
    rate = Rate(allowed_requests=500, interval=60_000, max_concurrent_requests=5)
    rate_source = "https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/rate-limits"
    rate_limit_signals = RateLimitSignals(
        remaining="x-ratelimit-remaining", reset="x-ratelimit-reset"
    )
    docs_url = "https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys"
    guide = (
        "In SendGrid open Settings > API Keys and create a key.",
        "Choose restricted access and tick what you want to sync; add User Account: read.",
        "Copy the key: SendGrid shows it once.",
    )

    catalogue = (
        collection_schema(
            "contact", "id! email first_name last_name created_at:datetime updated_at:datetime"
        ),
        collection_schema("list", "id! name contact_count:number"),
        collection_schema(
            "segment", "id! name contacts_count:number created_at:datetime updated_at:datetime"
        ),
        collection_schema("template", "id! name generation updated_at:datetime"),
        collection_schema("bounce", "email! reason status created:timestamp"),
        collection_schema("unsubscribe", "email! created:timestamp"),
    )

    class Meta:
        proxy = True
        app_label = "providers"

    def probe(self, token: str) -> Outcome:
        """Any valid key may read its own scopes; only some may read the user name."""
        response = http.get(f"{self.base_url()}/v3/scopes", bearer=token)
        outcome = self.classify(response)
        if not outcome.ok:
            return outcome
        owner = http.get(f"{self.base_url()}/v3/user/username", bearer=token)
        return outcomes.works(
            scopes=response.data()["scopes"],
            username=owner.dig("username"),
            user_id=owner.dig("user_id"),
        )

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        """https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/errors"""
        if response.status == 401:
            return outcomes.customer_must(
                "key_refused",
                "SendGrid refuses this key: it was deleted or never existed.",
                "create a new key at SendGrid and enter it here.",
            )
        if response.status == 403 and "temporar" in response.text.lower():
            message = "SendGrid blocks us for a while after too many bad requests."
            return outcomes.transient("blocked", message)
        if response.status == 403:
            return outcomes.customer_must(
                "forbidden",
                "SendGrid says this key lacks a right, or the account is restricted.",
                "widen the key's permissions or ask SendGrid's support.",
            )
        if response.status == 429:
            message, wait = "SendGrid asks us to slow down.", outcomes.until_reset(response)
            return outcomes.transient("throttled", message, retry_after_s=wait)
        return super().classify(response)

    def base_url(self) -> str:
        return HOSTS[self.properties.get("region", "global")]
