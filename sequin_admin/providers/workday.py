"""Workday. API clients: https://doc.workday.com/admin-guide/en-us/authentication-and-security/authentication/oauth/dan1370797831010.html

The client belongs to the customer: an admin registers an API client in the tenant. Its refresh
token is either issued there and entered here, or granted by a login at the tenant's own page.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal
from xml.sax.saxutils import escape

from sequin_admin.core import http
from sequin_admin.core.fields import Secrets
from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.collections import collection_schema
from sequin_admin.credentials.kinds import (
    OAuth2,
    OAuthContext,
    Properties,
    Property,
    Rate,
    Secret,
    TokenGrant,
    register,
)
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.normalizers import address_of, host, segments
from sequin_admin.credentials.outcomes import Outcome

HOST = r"[a-z0-9.-]+\.(workday|myworkday)\.com"
TENANT = r"[A-Za-z0-9][A-Za-z0-9_-]*"
LOGIN_REFUSED = re.compile(r"invalid user ?name or password")
AUTHORIZE = r"https://[a-z0-9.-]+\.(workday|myworkday)\.com/[\w/-]+"
SOAP = """<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" \
xmlns:bsvc="urn:com.workday/bsvc"><soapenv:Header><wsse:Security soapenv:mustUnderstand="1" \
xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">\
<wsse:UsernameToken><wsse:Username>{username}</wsse:Username><wsse:Password Type="http://docs.\
oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText">{password}\
</wsse:Password></wsse:UsernameToken></wsse:Security></soapenv:Header><soapenv:Body>\
<bsvc:Get_Workers_Request bsvc:version="v44.0"><bsvc:Response_Filter><bsvc:Count>1</bsvc:Count>\
</bsvc:Response_Filter></bsvc:Get_Workers_Request></soapenv:Body></soapenv:Envelope>"""


OF_TOKENS = (
    "This is the token endpoint. Enter the authorization endpoint, which stands beside it in View "
    "API Clients and ends in /authorize; or leave it empty."
)
# What comes before the tenant in the addresses of pages, services, reports and tokens.
BEFORE_TENANT = {
    *("ccx", "service", "oauth2", "api", "v1"),
    *("wday", "authgwy", "customreport2"),
}


def tenant_in(text: str) -> str:
    """The tenant of an address at Workday: /acme/d/home.htmld, /wday/authgwy/acme/login.htmld,
    /ccx/service/acme/..., /ccx/service/customreport2/acme/..."""
    parts = address_of(text)
    if not parts or not re.fullmatch(HOST, parts.netloc):
        return text
    path = [part for part in segments(parts) if part not in BEFORE_TENANT]
    return path[0] if path else text


def endpoint(text: str) -> str:
    """With its scheme, and without a slash at the end. Raises `ValueError` for the endpoint of
    tokens, which stands beside it."""
    parts = address_of(text)
    if parts and segments(parts)[-1:] == ["token"]:
        raise ValueError(OF_TOKENS)
    if parts is None or parts.query or parts.fragment:
        return text
    return f"https://{parts.netloc}{parts.path.rstrip('/')}"


class Tenant(Properties):
    """Properties that locate the tenant."""

    host: str = Property(
        "Host",
        extension=True,
        example="wd2-impl-services1.workday.com",
        pattern=HOST,
        normalizer=host,
    )
    tenant: str = Property(
        "Tenant",
        extension=True,
        example="arrakis_dpt1",
        pattern=TENANT,
        normalizer=tenant_in,
    )


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


class WorkdayPasswordProperties(Tenant):
    kind: Literal["workday_password"]
    username: str = Property(
        "User name",
        extension=True,
        example="ISU_Sequin@arrakis_dpt1",
        pattern=r"[^\s@]+@[A-Za-z0-9_-]+",
    )
    password: Secret = Property("Password", extension=True, password=True)


class Workday(Credential):
    """What both kinds of Workday credential share."""

    provider, provider_title = "workday", "Workday"
    destination_properties = ("host", "tenant")
    host_is_theirs = True
    rate = Rate(allowed_requests=5, interval=1000, max_concurrent_requests=3)
    rate_source = "Not published; a careful guess."
    docs_url = "https://community.workday.com/sites/default/files/file-hosting/restapi/index.html"

    catalogue = (
        collection_schema(
            "worker", "id! descriptor businessTitle primaryWorkEmail isManager:boolean"
        ),
        collection_schema("organization", "id! descriptor"),
        collection_schema("supervisory_organization", "id! descriptor name code"),
        collection_schema("job_profile", "id! descriptor name"),
    )

    class Meta:
        proxy = True
        app_label = "providers"

    def base_url(self) -> str:
        return f"https://{self.properties['host']}"

    @classmethod
    def suggest_name(cls, properties: Mapping[str, Any]) -> str:
        return str(properties.get("tenant", ""))


@register
class WorkdayOAuth(Workday):
    label = "API client"
    properties_class = WorkdayOAuthProperties
    identity_properties = ("host", "tenant", "client_id")
    by_hand = True
    oauth: ClassVar[OAuth2] = OAuth2(
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
        if response.status == 401:
            return outcomes.expired("unauthorized", "Workday refuses the token.").with_evidence(
                response
            )
        if response.status == 403:
            return not_authorized().with_evidence(response)
        return outcomes.by_status(response, "Workday")


@register
class WorkdayPassword(Workday):
    label = "password"
    properties_class = WorkdayPasswordProperties
    identity_properties = ("host", "tenant", "username")
    guide = (
        "In Workday create an integration system user and exempt it from password expiry.",
        "Give its security group the domain permissions the sync needs and activate them.",
        "Enter the user name with the tenant, as in ISU_Sequin@arrakis_dpt1.",
    )

    class Meta:
        proxy = True
        app_label = "providers"

    def probe(self, token: str) -> Outcome:
        tenant = self.properties["tenant"]
        envelope = SOAP.format(
            username=escape(self.properties["username"]), password=escape(self.secrets["password"])
        )
        response = http.request(
            "POST",
            f"{self.base_url()}/ccx/service/{tenant}/Human_Resources/v44.0",
            headers={"Content-Type": "text/xml; charset=utf-8", "Accept": "text/xml"},
            content=envelope.encode(),
            secrets=[self.secrets["password"]],
        )
        return self.classify(response)

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        """By the text of the SOAP fault: all faults, including throttling, have status 500."""
        text = response.text.lower()
        if LOGIN_REFUSED.search(text) or response.status == 401:
            return outcomes.customer(
                "login_refused",
                "Workday refuses this user name and password.",
                "The customer must check the integration system user and enter the password again.",
                "You must check the integration system user and enter the password again.",
            ).with_evidence(response)
        if "not authorized" in text or response.status == 403:
            return not_authorized().with_evidence(response)
        if response.ok and "envelope" in text:
            return outcomes.works()
        return outcomes.by_status(response, "Workday")

    def call_headers(self, token: str) -> Secrets:
        """None: user name and password go into each SOAP envelope."""
        return Secrets()

    def call_login(self) -> Secrets:
        return Secrets(
            {"username": self.properties["username"], "password": self.secrets["password"]}
        )


def not_authorized() -> Outcome:
    return outcomes.customer(
        "not_authorized",
        "Workday says the integration user lacks a domain permission or functional area.",
        "The customer's admin must grant it and activate the pending security policy changes.",
        "Your admin must grant it and activate the pending security policy changes.",
    )
