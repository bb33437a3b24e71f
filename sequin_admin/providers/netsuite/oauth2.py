"""OAuth 2 with a refresh token that is valid for seven days, unless the record says otherwise.

https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_158074210415.html
"""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sequin_admin.core import http
from sequin_admin.core.fields import DecryptionError
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.kinds import (
    OAuth2,
    OAuthContext,
    OAuthKind,
    Property,
    Secret,
    TokenGrant,
    register,
)
from sequin_admin.credentials.normalizers import words
from sequin_admin.credentials.outcomes import Outcome, Refused
from sequin_admin.providers.netsuite.common import NetSuite, NetSuiteAccount, host_label


class NetSuiteOAuthProperties(NetSuiteAccount):
    """The customer's client, the refresh token, and the role and user that it stands for."""

    kind: Literal["netsuite_oauth2"]
    client_id: str = Property("Client ID", extension=True, help="Of the integration record.")
    client_secret: Secret = Property("Client secret", extension=True)
    refresh_token: Secret = Property("Refresh token", extension=True)
    scope: str = Property(
        "Scope", extension=True, example="rest_webservices", normalizer=words(" ")
    )
    role_id: str | None = Property("Role", extension=True, read_only=True)
    entity_id: str | None = Property("Entity", extension=True, read_only=True)


@register
class NetSuiteOAuth(NetSuite, OAuthKind):
    """An OAuth 2 grant through a client that the customer has made."""

    label = "OAuth 2.0"
    properties_class = NetSuiteOAuthProperties
    identity_properties = ("account_id", "client_id")
    oauth = OAuth2(
        authorize_url="https://{host_label}.app.netsuite.com/app/login/oauth2/authorize.nl",
        token_url="https://{host_label}.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token",  # noqa: S106
        # Only those of public clients do; ours have a secret.
        rotates=False,
        scopes=("rest_webservices",),
        scope_descriptions={
            "rest_webservices": "Use REST web services as the role you choose",
            "suite_analytics": "Use SuiteAnalytics Connect",
            "restlets": "Use RESTlets",
        },
        client="credential",
        client_auth="client_secret_basic",
        required_properties=("account_id", "client_id", "client_secret"),
    )
    guide = (
        "In NetSuite enable OAuth 2.0 under Setup > Company > Enable Features > SuiteCloud.",
        "Open Setup > Integration > Manage Integrations and create a record.",
        "Tick Authorization Code Grant and the scope REST Web Services; add the redirect URI shown "
        "here.",
        "Copy client ID and client secret; NetSuite shows them once.",
        "Its refresh token lives seven days, or as long as the record says: prefer client "
        "credentials for unattended syncs.",
    )

    class Meta:
        proxy = True
        app_label = "providers"

    def access_ends_at(self) -> datetime | None:
        """The refresh token is a JWT that renewing does not replace; its validity is configurable
        since NetSuite 2025.2."""
        claimed = claimed_time(self.readable_refresh_token(), "exp")
        return min(filter(None, (claimed, super().access_ends_at())), default=None)

    def access_life(self) -> timedelta | None:
        began, ends = claimed_time(self.readable_refresh_token(), "iat"), self.access_ends_at()
        return ends - began if began and ends else None

    def readable_refresh_token(self) -> str:
        """The refresh token; empty when it can't be decrypted."""
        try:
            return str(self.secrets.get("refresh_token", ""))
        except DecryptionError:
            return ""

    def probe(self, token: str) -> Outcome:
        return self.classify(http.get(self.catalog_url(), bearer=token))

    @classmethod
    def check_callback(cls, context: OAuthContext) -> None:
        """Raises `Refused` when the person logged in to another account."""
        company = context.callback.get("company", "")
        wanted = str(context.inputs["account_id"])
        if company and host_label(company) != host_label(wanted):
            raise Refused(
                outcomes.customer(
                    "other_account",
                    f"You logged in to NetSuite account {company}, not {wanted}.",
                    "Start again and choose the account that was asked for.",
                )
            )

    @classmethod
    def identify(cls, grant: TokenGrant, context: OAuthContext) -> dict[str, Any]:
        return {
            "scope": grant.scope or " ".join(cls.oauth.scopes),
            "role_id": context.callback.get("role"),
            "entity_id": context.callback.get("entity"),
        }

    @classmethod
    def properties_from_grant(cls, grant: TokenGrant) -> dict[str, Any]:
        return {"scope": grant.scope or None}

    @classmethod
    def url_params(cls, context: OAuthContext) -> dict[str, Any]:
        """The account's hosts have its id in lower case with dashes."""
        return {**context.url_params, "host_label": host_label(str(context.inputs["account_id"]))}

    def revoke(self, token: str) -> None:
        response = http.post(
            f"{self.base_url()}/services/rest/auth/oauth2/v1/revoke",
            basic=(self.properties["client_id"], self.secrets["client_secret"]),
            form={"token": self.secrets["refresh_token"]},
        )
        self.require_revoked(response)


def claimed_time(token: str, claim: str) -> datetime | None:
    """A time (RFC 7519 section 2, NumericDate) in a JWT; None when it is none or has none.

    The signature is NetSuite's to verify: nothing but our notices depends on this.
    """
    try:
        payload = token.split(".")[1]
        seconds = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))[claim]
        return datetime.fromtimestamp(int(seconds), UTC)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, OSError, RecursionError):
        return None
