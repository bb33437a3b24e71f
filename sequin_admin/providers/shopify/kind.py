"""Shopify. OAuth: https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant

Limits: https://shopify.dev/docs/api/usage/limits
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from sequin_admin.core import http
from sequin_admin.core.fields import Secrets
from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.kinds import (
    AppInstallKind,
    OAuthContext,
    Plan,
    Rate,
    RateLimitSignals,
    TokenGrant,
    register,
)
from sequin_admin.credentials.outcomes import Outcome, Refused
from sequin_admin.providers.shopify.catalogue import CATALOGUE
from sequin_admin.providers.shopify.changes import CHANGES
from sequin_admin.providers.shopify.flow import FLOW, TOKEN_URL
from sequin_admin.providers.shopify.outcomes import not_exchanged, uninstalled
from sequin_admin.providers.shopify.properties import ShopifyProperties, shop_host
from sequin_admin.providers.shopify.signatures import other_shop, raise_for_fault
from sequin_admin.tokens import protocol

WHOAMI = "{ shop { id name myshopifyDomain } }"
UNAVAILABLE_SHOP = {
    402: "Shopify says this shop is frozen because a bill is unpaid.",
    404: "Shopify says this shop is closed.",
    423: "Shopify says this shop is locked.",
}
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"


@register
class Shopify(AppInstallKind):
    """An app in a shop. It can also be installed from Shopify's side."""

    provider, provider_title, label = "shopify", "Shopify", "OAuth"
    properties_class = ShopifyProperties
    destination_properties = ("shop",)
    identity_properties = ("shop",)
    rate = Rate(allowed_requests=40, interval=20_000, max_concurrent_requests=4)
    rate_source = "https://shopify.dev/docs/api/usage/limits"
    plans = (
        Plan(
            "Standard, REST", Rate(allowed_requests=40, interval=20_000, max_concurrent_requests=4)
        ),
        Plan(
            "Advanced, REST", Rate(allowed_requests=80, interval=20_000, max_concurrent_requests=4)
        ),
        Plan("Plus, REST", Rate(allowed_requests=400, interval=20_000, max_concurrent_requests=8)),
    )
    rate_limit_signals = RateLimitSignals(
        throttled=((429, ""), (200, '"THROTTLED"')), used_of="x-shopify-shop-api-call-limit"
    )
    docs_url = "https://shopify.dev/docs/apps/build/authentication-authorization"
    oauth = FLOW
    guide = (
        "In Shopify's Dev Dashboard create an app or open yours, and a new version of it.",
        "Add the redirect URI shown here to the allowed redirection URLs.",
        "Choose the access scopes you want to sync with; they must cover those entered here.",
        "Release the version, then copy client ID and client secret from the app's settings.",
        "Once saved here, the OAuth app's page shows an App URL: enter it at Shopify, and "
        "merchants who install the app come here.",
    )
    catalogue = CATALOGUE
    changes = CHANGES

    class Meta:
        proxy = True
        app_label = "providers"

    def probe(self, token: str) -> Outcome:
        url = f"{self.base_url()}/admin/api/{settings.SHOPIFY_API_VERSION}/graphql.json"
        response = http.post(url, headers=self.call_headers(token), json={"query": WHOAMI})
        return self.classify(response)

    def cannot_renew(self) -> Outcome:
        return uninstalled()

    def outdated_token(self) -> str:
        if "refresh_token" in self.secret_names:
            return ""
        return (
            "This is an offline token that never expires. From 1 January 2027 Shopify refuses such "
            "tokens of public apps; custom apps and those that merchants made may keep them. "
            "Exchanged, it becomes one that is renewed every hour. The old token ends at once, "
            "so first see to it that no other system still uses it."
        )

    def exchange_token(self) -> TokenGrant:
        """https://shopify.dev/docs/apps/build/authentication-authorization/migrate-to-expiring-offline-access-tokens

        Within seven days, a retry with the old token gets the same response.
        """
        context = self.oauth_context()
        fields = {
            "grant_type": EXCHANGE,
            "subject_token": self.secrets["access_token"],
            "subject_token_type": OFFLINE,
            "requested_token_type": OFFLINE,
            **self.oauth.token_params,
        }
        response = protocol.call_token_endpoint(
            TOKEN_URL.format(**self.properties),
            fields,
            client_id=context.client_id,
            client_secret=str(context.app["client_secret"]),
            body=self.oauth.body,
        )
        return protocol.parse_grant(type(self), response)

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        """By HTTP status, then by GraphQL errors, which have status 200."""
        code = str(response.dig("errors", 0, "extensions", "code") or "")
        if response.status == 401:
            return outcomes.expired("token_refused", "Shopify refuses the token.")
        if response.status in UNAVAILABLE_SHOP or code == "SHOP_INACTIVE":
            return outcomes.customer_must(
                code or f"http_{response.status}",
                UNAVAILABLE_SHOP.get(response.status, UNAVAILABLE_SHOP[404]),
                "settle that with Shopify; nothing to change here.",
                who="The merchant",
            )
        if response.status == 403 or code == "ACCESS_DENIED":
            return outcomes.customer_must(
                code or "forbidden",
                "Shopify did not grant us a scope that the sync needs.",
                "connect the shop again and allow it.",
                who="The merchant",
            )
        if code == "THROTTLED" or response.status == 430:
            return outcomes.transient("throttled", "Shopify asks us to slow down.")
        return super().classify(response)

    @classmethod
    def classify_token_error(cls, response: Response) -> Outcome:
        error = str(response.data().get("error", ""))
        if error == "invalid_subject_token":
            return not_exchanged()
        if error in {"invalid_client", "application_cannot_be_found"}:
            return outcomes.client_refused(error, "Shopify", client_is_ours=True)
        if response.status in (400, 401):
            return uninstalled()
        return super().classify_token_error(response)

    @classmethod
    def check_callback(cls, context: OAuthContext) -> None:
        """Shopify signs its callback; the shop must be the requested one."""
        came, wanted = context.callback.get("shop", ""), str(context.inputs["shop"])
        if shop_host(came) != shop_host(wanted):
            raise Refused(other_shop(came, wanted))
        raise_for_fault(context.callback, context)

    @classmethod
    def check_install(cls, params: Mapping[str, str], context: OAuthContext) -> dict[str, Any]:
        raise_for_fault(params, context)
        return {"shop": params["shop"]}

    @classmethod
    def identify(cls, grant: TokenGrant, context: OAuthContext) -> dict[str, Any]:
        """The shop of the grant. Raises `Refused` when a scope that was asked for is missing."""
        missing = set(context.scopes or cls.oauth.scopes) - effective_scopes(grant.scope)
        if missing:
            raise Refused(
                outcomes.customer_must(
                    "scope",
                    f"Shopify did not grant everything: {', '.join(sorted(missing))} is missing.",
                    "allow all of it.",
                    who="The merchant",
                )
            )
        return {"shop": context.inputs["shop"], **cls.properties_from_grant(grant)}

    @classmethod
    def properties_from_grant(cls, grant: TokenGrant) -> dict[str, Any]:
        return {"scope": grant.scope or None}

    def revoke(self, token: str) -> None:
        """Uninstalling needs a valid access token: a new one if the stored one has expired."""
        if not token:
            refresh_token = self.secrets["refresh_token"]
            token = protocol.refresh(type(self), self.oauth_context(), refresh_token).access_token
        url = f"{self.base_url()}/admin/api_permissions/current.json"
        response = http.request("DELETE", url, headers=self.call_headers(token))
        if not response.ok:
            raise Refused(self.classify(response))

    def call_headers(self, token: str) -> Secrets:
        return Secrets({"X-Shopify-Access-Token": token})

    def base_url(self) -> str:
        return f"https://{self.properties['shop']}"


def effective_scopes(scope: str) -> set[str]:
    """The granted scopes and those they imply: writing includes reading."""
    granted = {word for word in scope.split(",") if word}
    return granted | {f"read_{w.removeprefix('write_')}" for w in granted if w.startswith("write_")}
