"""Auth0. Tokens: https://auth0.com/docs/secure/tokens/access-tokens/management-api-access-tokens

Limits: https://auth0.com/docs/troubleshoot/customer-support/operational-policies/rate-limit-policy
"""

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

OF_AUTH0 = {f"{name}.auth0.com" for name in ("manage", "accounts", "login", "www", "community")}
DASHBOARD = (
    "This is the address of Auth0's own pages. Enter the tenant's domain, as Settings of the "
    "application shows it: acme.us.auth0.com."
)


def tenant_host(text: str) -> str:
    """Raises `ValueError` for the dashboard, and other pages of Auth0's own."""
    found = host(text)
    if found in OF_AUTH0:
        raise ValueError(DASHBOARD)
    return found


class Auth0Properties(Properties):
    kind: Literal["auth0_client_credentials"]
    domain: str = Property(
        "Domain",
        extension=True,
        help="The tenant's own domain, not a custom one.",
        example="acme.us.auth0.com",
        pattern=r"[a-z0-9-]+(\.[a-z]{2}(-\d)?)?\.auth0\.com",
        normalizer=tenant_host,
    )
    client_id: str = Property("Client ID", extension=True)
    client_secret: Secret = Property("Client secret", extension=True)
    audience: str | None = Property("Audience", extension=True, read_only=True)
    scope: str | None = Property("Scope", extension=True, read_only=True)


@register
class Auth0(ClientCredentialsKind):
    provider, provider_title, label = "auth0", "Auth0", "client credentials"
    properties_class = Auth0Properties
    identity_properties = ("domain", "client_id")
    rate = Rate(allowed_requests=2, interval=1000, max_concurrent_requests=2)
    rate_source = "https://auth0.com/docs/troubleshoot/customer-support/operational-policies/rate-limit-policy"
    plans = (
        Plan("Free", Rate(allowed_requests=2, interval=1000, max_concurrent_requests=2)),
        Plan(
            "Enterprise, production",
            Rate(allowed_requests=16, interval=1000, max_concurrent_requests=16),
        ),
        Plan(
            "Enterprise, other", Rate(allowed_requests=2, interval=1000, max_concurrent_requests=2)
        ),
    )
    rate_limit_signals = RateLimitSignals(
        remaining="x-ratelimit-remaining", reset="x-ratelimit-reset"
    )
    docs_url = "https://auth0.com/docs/get-started/applications"
    destination_properties = ("domain",)
    guide = (
        "In Auth0 open Applications and create a Machine to Machine application.",
        "Authorize it for the Auth0 Management API and tick the read scopes you sync.",
        "Copy domain, client ID and client secret from its settings; of a custom domain take the "
        "tenant's own, which ends in auth0.com.",
    )

    catalogue = (
        collection_schema(
            "user",
            "user_id! email name nickname email_verified:boolean created_at:datetime "
            "updated_at:datetime",
        ),
        collection_schema("client", "client_id! name app_type description"),
        collection_schema("connection", "id! name strategy enabled_clients:object"),
        collection_schema("role", "id! name description"),
        collection_schema("organization", "id! name display_name metadata:object"),
        collection_schema("log", "log_id! type date:datetime user_id client_id ip"),
    )

    class Meta:
        proxy = True
        app_label = "providers"

    @property
    def audience(self) -> str:
        return str(self.properties.get("audience") or f"{self.base_url()}/api/v2/")

    def mint(self) -> TokenGrant:
        url = f"{self.base_url()}/oauth/token"
        return protocol.request_client_credentials(self, url, audience=self.audience)

    @classmethod
    def properties_from_grant(cls, grant: TokenGrant) -> dict[str, Any]:
        return {"scope": grant.scope or None}

    def probe(self, token: str) -> Outcome:
        """Without `read:tenant_settings` the response is 403 although the token works."""
        response = http.get(f"{self.base_url()}/api/v2/tenants/settings", bearer=token)
        outcome = self.classify(response)
        works = outcome.ok or outcome.code == "insufficient_scope"
        return outcomes.works(audience=self.audience).with_evidence(response) if works else outcome

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        """https://auth0.com/docs/api/management/v2/errors"""
        if response.status == 403:
            scope = response.dig("errorCode") == "insufficient_scope"
            return outcomes.customer_must(
                "insufficient_scope" if scope else "forbidden",
                "Auth0 says the application lacks a scope of the Management API.",
                "tick it at Auth0 under Applications > APIs.",
            )
        if response.status == 429:
            wait = outcomes.retry_after(response) or outcomes.until_reset(response)
            message = "Auth0 asks us to slow down."
            return outcomes.transient("throttled", message, retry_after_s=wait)
        return super().classify(response)

    @classmethod
    def classify_token_error(cls, response: Response) -> Outcome:
        error = str(response.data().get("error", ""))
        if response.status == 429:
            return cls.classify(response)
        if response.status == 403 or error == "unauthorized_client":
            return outcomes.customer_must(
                error or "forbidden",
                "Auth0 does not let this application use the Management API.",
                "authorize it at Auth0 under Applications > APIs.",
            )
        if error == "access_denied":
            return outcomes.client_refused(error, "Auth0", client_is_ours=False)
        return super().classify_token_error(response)

    def base_url(self) -> str:
        return f"https://{self.properties['domain']}"
