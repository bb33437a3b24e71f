"""Salesforce. OAuth: https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_web_server_flow.htm

Limits: https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_api.htm
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sequin_admin.core import http
from sequin_admin.core.fields import Secrets
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
from sequin_admin.credentials.outcomes import Outcome, Refused
from sequin_admin.providers.salesforce.catalogue import CATALOGUE
from sequin_admin.providers.salesforce.changes import CHANGES
from sequin_admin.providers.salesforce.identity import (
    has_valid_signature,
    login_host_unknown,
    signature_invalid,
)
from sequin_admin.providers.salesforce.properties import LOGIN_HOST, SalesforceProperties

APP_NOT_ALLOWED_CODES = {"OAUTH_APP_BLOCKED", "OAUTH_APP_ACCESS_DENIED", "OAUTH_EC_APP_NOT_FOUND"}
API_DISABLED_CODES = {"API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED", "INSUFFICIENT_ACCESS"}


@register
class Salesforce(OAuthKind):
    """An OAuth grant of a Salesforce user."""

    provider, provider_title, label = "salesforce", "Salesforce", "OAuth"
    properties_class = SalesforceProperties
    destination_properties = ("instance_url", "login_host")
    identity_properties = ("sfid",)
    rate = Rate(allowed_requests=60, interval=60_000, max_concurrent_requests=10)
    rate_source = "https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_api.htm"
    plans = (
        Plan(
            "Developer Edition",
            Rate(allowed_requests=15_000, interval=86_400_000, max_concurrent_requests=5),
        ),
        Plan(
            "Enterprise, without its licences",
            Rate(allowed_requests=100_000, interval=86_400_000, max_concurrent_requests=25),
        ),
    )
    rate_limit_signals = RateLimitSignals(
        throttled=((429, ""), (403, "REQUEST_LIMIT_EXCEEDED")), used_of="sforce-limit-info"
    )
    docs_url = "https://help.salesforce.com/s/articleView?id=xcloud.external_client_apps.htm"
    oauth = OAuth2(
        authorize_url="https://{login_host}/services/oauth2/authorize",
        token_url="https://{login_host}/services/oauth2/token",  # noqa: S106 - an address
        # The app decides; those that several customers use must.
        rotates=True,
        scopes=("api", "refresh_token", "id"),
        scope_descriptions={
            "api": "Read and change data through Salesforce's APIs",
            "refresh_token": "Keep the access while you are not logged in",
            "id": "See who you are",
        },
        authorize_params={"prompt": "login consent"},
        required_properties=("login_host",),
        access_life_s=7200,
    )
    guide = (
        "In Salesforce Setup open External Client App Manager and create an app.",
        "Enable OAuth, add the redirect URI shown here and require PKCE.",
        "Choose the scopes api, refresh_token and id.",
        "Add the addresses that this server calls from to the app's allowed IP ranges.",
        "Copy the consumer key as client ID and the consumer secret.",
        "Customers' admins must install or allow the app before they connect.",
    )
    catalogue = CATALOGUE
    changes = CHANGES

    class Meta:
        proxy = True
        app_label = "providers"

    def probe(self, token: str) -> Outcome:
        url = f"{self.base_url()}/services/data/v62.0/limits"
        return self.classify(http.get(url, bearer=token))

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        """API errors are a list of `{errorCode, message}`."""
        errors = response.json()
        first = errors[0] if isinstance(errors, list) and errors else {}
        code = str(first.get("errorCode", "")) if isinstance(first, dict) else ""
        if response.status == 401:
            return outcomes.expired(code or "unauthorized", "Salesforce refuses the token.")
        if code == "REQUEST_LIMIT_EXCEEDED":
            message = "Salesforce says the organization's daily API calls are used up."
            return outcomes.transient("throttled", message, retry_after_s=3600)
        if code in API_DISABLED_CODES or response.status == 403:
            return outcomes.customer(
                code or "forbidden",
                "Salesforce does not let the connected user call the API.",
                "An admin there must enable API access for the user or the organization.",
                "Your admin must enable API access for the user or the organization.",
            )
        if code == "SERVER_UNAVAILABLE":
            return outcomes.transient("unavailable", "Salesforce is unavailable right now.")
        return super().classify(response)

    @classmethod
    def classify_token_error(cls, response: Response) -> Outcome:
        error = str(response.data().get("error", ""))
        why = str(response.data().get("error_description", "")).lower()
        if error == "invalid_grant" and "ip restricted" in why:
            return address_refused()
        if error in {"inactive_user", "inactive_org", "invalid_app_access"}:
            return outcomes.customer_must(
                error,
                "Salesforce says the connected user or organization is not active any more.",
                "activate it, or connect again as another user.",
            )
        if error in {"unknown_error", "rate_limit_exceeded"}:
            return outcomes.transient(error, "Salesforce could not renew the token.")
        return super().classify_token_error(response)

    @classmethod
    def classify_callback_error(cls, params: Mapping[str, str]) -> Outcome:
        error = params.get("error", "")
        if error in APP_NOT_ALLOWED_CODES:
            return outcomes.customer(
                error,
                "Salesforce does not know or does not allow our app in this organization.",
                "The customer's Salesforce admin must install or allow it; check the login host.",
                "Ask your Salesforce admin to install or allow it, and check the login host.",
            )
        return super().classify_callback_error(params)

    @classmethod
    def identify(cls, grant: TokenGrant, context: OAuthContext) -> dict[str, Any]:
        """The `id` URL names organization and user; it must have a valid signature."""
        identity = str(grant.raw.get("id", ""))
        parts = urlsplit(identity)
        if not has_valid_signature(grant, str(context.app["client_secret"])):
            raise Refused(signature_invalid())
        if not re.fullmatch(LOGIN_HOST, parts.hostname or ""):
            raise Refused(login_host_unknown(parts.hostname or "no host"))
        organization, user = parts.path.rstrip("/").split("/")[-2:]
        return {
            **cls.properties_from_grant(grant),
            "sfid": organization,
            "user_id": user,
            "login_host": context.inputs.get("login_host") or "login.salesforce.com",
        }

    @classmethod
    def properties_from_grant(cls, grant: TokenGrant) -> dict[str, Any]:
        """Every token answer names the instance, which changes when the organization is moved."""
        instance = str(grant.raw["instance_url"]).rstrip("/")
        return {"instance_url": instance, "scope": grant.scope or None}

    def revoke(self, token: str) -> None:
        host = self.properties.get("login_host", "login.salesforce.com")
        form = Secrets(token=self.secrets["refresh_token"])
        response = http.post(f"https://{host}/services/oauth2/revoke", form=form)
        self.require_revoked(response, 400)  # 400: it was revoked already

    @classmethod
    def describe_account(cls, properties: Mapping[str, object]) -> str:
        host = urlsplit(str(properties.get("instance_url", ""))).hostname or ""
        return f"{host} · {properties.get('sfid', '')}"

    @classmethod
    def suggest_name(cls, properties: Mapping[str, object]) -> str:
        return (urlsplit(str(properties.get("instance_url", ""))).hostname or "").split(".")[0]

    def base_url(self) -> str:
        return str(self.properties["instance_url"])


def address_refused() -> Outcome:
    """Apps that several organizations use have a list of allowed addresses since May 2026."""
    return outcomes.operator(
        "ip_restricted",
        "Salesforce refuses our server's address: it is not on the list of our app.",
        "Add the address that this server calls from to the app's allowed IP ranges in Salesforce.",
    )
