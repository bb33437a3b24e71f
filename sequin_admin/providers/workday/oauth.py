"""Workday. API clients: https://doc.workday.com/admin-guide/en-us/authentication-and-security/authentication/oauth/dan1370797831010.html

The client belongs to the customer: an admin registers an API client in the tenant. Its refresh
token is either issued there and entered here, or granted by a login at the tenant's own page.
"""

from typing import Any, Literal

from sequin_admin.core import http
from sequin_admin.core.http import Response
from sequin_admin.credentials.kinds import (
    OAuth2,
    OAuthContext,
    OAuthKind,
    Property,
    Secret,
    TokenGrant,
    register,
)
from sequin_admin.credentials.normalizers import address_of, segments
from sequin_admin.credentials.outcomes import Outcome
from sequin_admin.providers.workday.common import Tenant, Workday, not_authorized

AUTHORIZE = r"https://[a-z0-9.-]+\.(workday|myworkday)\.com/[\w/-]+"


OF_TOKENS = (
    "This is the token endpoint. Enter the authorization endpoint, which stands beside it in View "
    "API Clients and ends in /authorize; or leave it empty."
)


def endpoint(text: str) -> str:
    """With its scheme, and without a slash at the end. Raises `ValueError` for the endpoint of
    tokens, which stands beside it."""
    parts = address_of(text)
    if parts and segments(parts)[-1:] == ["token"]:
        raise ValueError(OF_TOKENS)
    if parts is None or parts.query or parts.fragment:
        return text
    return f"https://{parts.netloc}{parts.path.rstrip('/')}"


class WorkdayOAuthProperties(Tenant):
    kind: Literal["workday_oauth2"]
    client_id: str = Property("Client ID", extension=True)
    client_secret: Secret = Property("Client secret", extension=True)
    refresh_token: Secret = Property("Refresh token", extension=True)
    authorization_endpoint: str | None = Property(
        "Authorization endpoint",
        extension=True,
        help="From View API Clients. Only for connecting by a login at Workday.",
        example="https://impl.workday.com/arrakis_dpt1/authorize",
        pattern=AUTHORIZE,
        normalizer=endpoint,
        default=None,
    )


@register
class WorkdayOAuth(Workday, OAuthKind):
    label = "API client"
    properties_class = WorkdayOAuthProperties
    identity_properties = ("host", "tenant", "client_id")
    oauth = OAuth2(
        authorize_url="{authorization_endpoint}",
        token_url="https://{host}/ccx/oauth2/{tenant}/token",  # noqa: S106 - an address
        # Workday does not say; some tenants answer a renewal with another refresh token.
        rotates=True,
        client="credential",
        client_auth="client_secret_basic",
        pkce=False,
        required_properties=(
            "host",
            "tenant",
            "client_id",
            "client_secret",
            "authorization_endpoint",
        ),
    )
    guide = (
        "For an unattended sync run the task Register API Client for Integrations in Workday.",
        "To connect by a login run Register API Client instead: Authorization Code Grant, the "
        "redirect URI shown here, refresh tokens that do not expire.",
        "Choose the scopes (functional areas) you want to sync, such as Staffing.",
        "Copy client ID and client secret; Workday shows the secret once.",
        "For integrations choose Manage Refresh Tokens for Integrations from the client's menu "
        "and create a non-expiring token for the integration system user.",
        "The host is the first part of the REST API endpoint on View API Clients, where the "
        "authorization endpoint stands, too.",
    )

    class Meta:
        proxy = True
        app_label = "providers"

    @classmethod
    def has_form(cls) -> bool:
        """An integration's refresh token is issued in Workday and entered here."""
        return True

    @classmethod
    def identify(cls, grant: TokenGrant, context: OAuthContext) -> dict[str, Any]:
        """Nothing: the grant came from the tenant's own host and names no account."""
        return {}

    def probe(self, token: str) -> Outcome:
        """Integration users have no worker record; for them any list of workers is enough."""
        root = f"{self.base_url()}/ccx/api/v1/{self.properties['tenant']}"
        response = http.get(f"{root}/workers/me", bearer=token)
        if response.status in (403, 404):
            response = http.get(f"{root}/workers", bearer=token, params={"limit": "1"})
        return self.classify(response)

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        if response.status == 403:
            return not_authorized()
        return super().classify(response)
