"""Salesforce. OAuth: https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_web_server_flow.htm

Limits: https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_api.htm
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from sequin_admin.core import http
from sequin_admin.core.fields import Secrets
from sequin_admin.core.http import Response
from sequin_admin.core.redaction import redact
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.collections import collection_schema
from sequin_admin.credentials.kinds import (
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
from sequin_admin.credentials.normalizers import host, origin, words
from sequin_admin.credentials.outcomes import Outcome, Refused

LOGIN_HOST = (
    r"(login|test)\.salesforce\.com"
    r"|[a-z0-9-]+(\.(sandbox|develop|scratch|trailblaze|demo))?\.my\.salesforce\.(com|mil)"
)
INSTANCE = r"https://[a-z0-9.-]+\.(salesforce\.(com|mil)|force\.com)"
APP_NOT_ALLOWED_CODES = {"OAUTH_APP_BLOCKED", "OAUTH_APP_ACCESS_DENIED", "OAUTH_EC_APP_NOT_FOUND"}
API_DISABLED_CODES = {"API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED", "INSUFFICIENT_ACCESS"}


PAGES = re.compile(r".*\.((lightning|vf|visual|file)\.force|my\.salesforce-setup)\.com")
OF_PAGES = (
    "This is the address of Salesforce's pages, which programs can't call. Enter the one of My "
    "Domain, which ends in .my.salesforce.com: see Setup > My Domain."
)
OF_ALL = {f"{name}.salesforce.com" for name in ("login", "test", "www", "help", "developer")}
OF_NOBODY = (
    "This is an address of all of Salesforce's customers. Enter the organization's own one, which "
    "ends in .my.salesforce.com: see Setup > My Domain."
)
ORGANIZATION = re.compile(r"(00D[A-Za-z0-9]{12})([A-Za-z0-9]{3})?", re.IGNORECASE)
CHECK_CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def login_host(text: str) -> str:
    """Raises `ValueError` for a host of pages."""
    found = host(text)
    if PAGES.fullmatch(found):
        raise ValueError(OF_PAGES)
    return found


def instance_url(text: str) -> str:
    """Raises `ValueError` for a host of pages, and for one that is no organization's own."""
    found = login_host(text)
    if found in OF_ALL:
        raise ValueError(OF_NOBODY)
    return origin(found)


def organization_id(text: str) -> str:
    """The id in 18 characters, in any case, or in 15. Other texts are left as they are.

    The last three characters say which of the first 15 are capitals:
    https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/field_types.htm
    """
    found = ORGANIZATION.fullmatch(text)
    if not found:
        return text
    base, check = found.groups()
    if check:
        bits = "".join(f"{CHECK_CHARS.find(char):05b}"[::-1] for char in check.upper())
        pairs = zip(base, bits, strict=False)
        base = "".join(char.upper() if bit == "1" else char.lower() for char, bit in pairs)
    made = "".join(CHECK_CHARS[capital_bits(base[at : at + 5])] for at in (0, 5, 10))
    is_whole = check.upper() == made if check else base.startswith("00D")
    return f"{base}{made}" if is_whole else text


def capital_bits(part: str) -> int:
    return sum(1 << index for index, char in enumerate(part) if "A" <= char <= "Z")


class SalesforceProperties(Properties):
    kind: Literal["salesforce_oauth2"]
    instance_url: str = Property(
        "Instance URL",
        example="https://arrakis.my.salesforce.com",
        pattern=INSTANCE,
        normalizer=instance_url,
    )
    refresh_token: Secret = Property("Refresh token")
    scope: str = Property(
        "Scope", help="Space-separated.", example="api refresh_token", normalizer=words(" ")
    )
    sfid: str = Property(
        "Salesforce ID",
        help="The organization's id.",
        example="arrakis",
        normalizer=organization_id,
    )
    user_id: str | None = Property("User ID", extension=True, read_only=True)
    login_host: str = Property(
        "Login host",
        extension=True,
        help="login.salesforce.com, test.salesforce.com for a sandbox, or a My Domain host.",
        example="login.salesforce.com",
        pattern=LOGIN_HOST,
        normalizer=login_host,
        default="login.salesforce.com",
    )


@register
class Salesforce(Credential):
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
    oauth: ClassVar[OAuth2] = OAuth2(
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

    catalogue = (
        collection_schema(
            "Account",
            "Id! Name Type Industry Website OwnerId CreatedDate:datetime SystemModstamp:datetime",
        ),
        collection_schema(
            "Contact",
            "Id! AccountId FirstName LastName Email Phone CreatedDate:datetime "
            "SystemModstamp:datetime",
        ),
        collection_schema(
            "Lead",
            "Id! FirstName LastName Company Email Status CreatedDate:datetime "
            "SystemModstamp:datetime",
        ),
        collection_schema(
            "Opportunity",
            "Id! AccountId Name StageName Amount:number CloseDate:date SystemModstamp:datetime",
        ),
        collection_schema(
            "Case",
            "Id! AccountId ContactId CaseNumber Subject Status Priority SystemModstamp:datetime",
        ),
        collection_schema(
            "Task", "Id! WhoId WhatId Subject Status ActivityDate:date SystemModstamp:datetime"
        ),
        collection_schema(
            "Event",
            "Id! WhoId WhatId Subject StartDateTime:datetime EndDateTime:datetime "
            "SystemModstamp:datetime",
        ),
        collection_schema(
            "Campaign",
            "Id! Name Type Status StartDate:date EndDate:date SystemModstamp:datetime",
        ),
        collection_schema(
            "User", "Id! Username Name Email IsActive:boolean SystemModstamp:datetime"
        ),
    )

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
            return outcomes.expired(
                code or "unauthorized", "Salesforce refuses the token."
            ).with_evidence(response)
        if code == "REQUEST_LIMIT_EXCEEDED":
            message = "Salesforce says the organization's daily API calls are used up."
            return outcomes.transient("throttled", message, retry_after_s=3600).with_evidence(
                response
            )
        if code in API_DISABLED_CODES or response.status == 403:
            return outcomes.customer(
                code or "forbidden",
                "Salesforce does not let the connected user call the API.",
                "An admin there must enable API access for the user or the organization.",
                "Your admin must enable API access for the user or the organization.",
            ).with_evidence(response)
        if code == "SERVER_UNAVAILABLE":
            return outcomes.transient(
                "unavailable", "Salesforce is unavailable right now."
            ).with_evidence(response)
        return outcomes.by_status(response, "Salesforce")

    @classmethod
    def classify_token_error(cls, response: Response) -> Outcome:
        error = str(response.data().get("error", ""))
        why = str(response.data().get("error_description", "")).lower()
        if error == "invalid_grant" and "ip restricted" in why:
            return address_refused().with_evidence(response)
        if error in {"inactive_user", "inactive_org", "invalid_app_access"}:
            return outcomes.customer(
                error,
                "Salesforce says the connected user or organization is not active any more.",
                "The customer must activate it, or connect again as another user.",
                "You must activate it, or connect again as another user.",
            ).with_evidence(response)
        if error in {"unknown_error", "rate_limit_exceeded"}:
            return outcomes.transient(error, "Salesforce could not renew the token.").with_evidence(
                response
            )
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
        if response.status not in (200, 400):  # 400: it was revoked already
            raise Refused(self.classify_token_error(response))

    @classmethod
    def describe_account(cls, properties: Mapping[str, Any]) -> str:
        host = urlsplit(str(properties.get("instance_url", ""))).hostname or ""
        return f"{host} · {properties.get('sfid', '')}"

    @classmethod
    def suggest_name(cls, properties: Mapping[str, Any]) -> str:
        return (urlsplit(str(properties.get("instance_url", ""))).hostname or "").split(".")[0]

    def base_url(self) -> str:
        return str(self.properties["instance_url"])


def has_valid_signature(grant: TokenGrant, client_secret: str) -> bool:
    """HMAC-SHA256 over `id` and `issued_at` with the client secret, in base64."""
    message = f"{grant.raw.get('id', '')}{grant.raw.get('issued_at', '')}".encode()
    made = hmac.new(client_secret.encode(), message, hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(made), str(grant.raw.get("signature", "")).encode())


def address_refused() -> Outcome:
    """Apps that several organizations use have a list of allowed addresses since May 2026."""
    return outcomes.operator(
        "ip_restricted",
        "Salesforce refuses our server's address: it is not on the list of our app.",
        "Add the address that this server calls from to the app's allowed IP ranges in Salesforce.",
    )


def login_host_unknown(host: str) -> Outcome:
    """The answer is signed, so it is Salesforce's: it is our list of hosts that lacks one."""
    return outcomes.operator(
        "login_host",
        f"Salesforce named the organization by {redact(host)[:80]}, which we don't know as a login "
        "host.",
        "Connect by login.salesforce.com, or test.salesforce.com for a sandbox. If it happens "
        "there, update Sequin Admin: the app's secret is right.",
        of_app=False,
    )


def signature_invalid() -> Outcome:
    return outcomes.operator(
        "signature",
        "The answer that named the Salesforce organization was not signed with our app's secret.",
        "Compare the OAuth app's consumer secret with the one in Salesforce and start again.",
    )
