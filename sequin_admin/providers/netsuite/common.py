"""What the NetSuite kinds share: hosts, errors, the URL of the probe.

https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_157771733782.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.kinds import Properties, Property, Rate, RateLimitSignals
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.normalizers import address_of
from sequin_admin.credentials.outcomes import Outcome
from sequin_admin.providers.netsuite.catalogue import CATALOGUE

ACCOUNT = r"[A-Za-z0-9]+([_-][A-Za-z0-9]+)*"
ACCESS_LOST_CODES = (
    "token_rejected",
    "token_revoked",
    "consumer_key_refused",
    "consumer_key_unknown",
    "IntegrationBlocked",
    "FeatureDisabled",
    "permission_denied",
)
SIGNATURE_CODES = (
    "signature_invalid",
    "signature_method_rejected",
    "nonce_used",
    "nonce_rejected",
    "timestamp_refused",
)
# system.netsuite.com and the like are of all accounts.
ACCOUNT_HOST = re.compile(r"([a-z0-9-]+)\.([a-z]+\.api|app|extforms|secure|shop)\.netsuite\.com")
THROTTLED_CODES = (
    "WS_REQUEST_BLOCKED",
    "WS_CONCUR_SESSION_DISALLWD",
    "SSS_REQUEST_LIMIT_EXCEEDED",
    "CONCURRENCY_LIMIT_EXCEEDED",
)
TOLERANCE_S = 300  # of a time stamp
KNOWN_CODES = (*ACCESS_LOST_CODES, *SIGNATURE_CODES, *THROTTLED_CODES)


def host_label(account_id: str) -> str:
    """1234567_SB1 -> 1234567-sb1, as in the account's hosts."""
    return account_id.lower().replace("_", "-")


def realm(account_id: str) -> str:
    """1234567-sb1 -> 1234567_SB1, as on NetSuite's pages and in OAuth 1.0a headers."""
    return account_id.upper().replace("-", "_")


def rest_url(account_id: str) -> str:
    return f"https://{host_label(account_id)}.suitetalk.api.netsuite.com"


def account_id(text: str) -> str:
    """As on NetSuite's pages, of the id in either form or of an address of the account."""
    parts = address_of(text)
    of_account = ACCOUNT_HOST.fullmatch(parts.netloc) if parts else None
    return realm(re.sub(r"\s+", "_", of_account[1] if of_account else text))


class NetSuiteAccount(Properties):
    """Either form of the id is taken; the one the NetSuite pages show is kept."""

    account_id: str = Property(
        "Account ID",
        extension=True,
        help="Setup > Company > Company Information.",
        example="1234567_SB1",
        pattern=ACCOUNT,
        normalizer=account_id,
    )


def token_url(account_id: str) -> str:
    return f"{rest_url(account_id)}/services/rest/auth/oauth2/v1/token"


class NetSuite(Credential):
    """What every NetSuite credential shares."""

    destination_properties = ("account_id",)
    provider, provider_title = "netsuite", "NetSuite"
    rate = Rate(allowed_requests=300, interval=60_000, max_concurrent_requests=4)
    rate_source = (
        "https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1500275531.html"
    )
    rate_limit_signals = RateLimitSignals(
        throttled=((429, ""), (400, "SSS_REQUEST_LIMIT_EXCEEDED"))
    )
    docs_url = (
        "https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/chapter_157769826287.html"
    )
    catalogue = CATALOGUE

    class Meta:
        proxy = True
        app_label = "providers"

    def catalog_url(self) -> str:
        return f"{self.base_url()}/services/rest/record/v1/metadata-catalog"

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        """By the error codes in the body or in `WWW-Authenticate`."""
        text = f"{response.text} {response.headers.get('www-authenticate', '')}"
        code = code_in(text, KNOWN_CODES)
        if code in THROTTLED_CODES or response.status == 429:
            message = "NetSuite says the account's concurrent requests are used up."
            return outcomes.transient(code or "throttled", message)
        if code in SIGNATURE_CODES:
            ahead_s = outcomes.clock_ahead_s(response)
            if "timestamp" in code or abs(ahead_s or 0) > TOLERANCE_S:
                wrong = outcomes.clock_wrong("NetSuite", ahead_s, of_app=False)
                return replace(wrong, code=code)
            return outcomes.operator(
                code,
                "NetSuite refuses our signature, nonce or time stamp.",
                "Check that this server's clock is right.",
                of_app=False,
            )
        if code in ACCESS_LOST_CODES:
            return access_lost(code)
        if response.status == 401 or "INVALID_LOGIN_ATTEMPT" in text:
            return outcomes.expired("INVALID_LOGIN", "NetSuite refuses the token.")
        if response.status == 403:
            return outcomes.customer_must(
                "INSUFFICIENT_PERMISSION",
                "NetSuite says the role lacks a permission that the sync needs.",
                "add it to the integration's role.",
                who="The customer's admin",
                you="Your admin",
            )
        return super().classify(response)

    @classmethod
    def classify_token_error(cls, response: Response) -> Outcome:
        """A blocked integration record has its own error code beside the OAuth error."""
        code = code_in(response.text, ACCESS_LOST_CODES)
        if code:
            return access_lost(code)
        return super().classify_token_error(response)

    @classmethod
    def suggest_name(cls, properties: Mapping[str, Any]) -> str:
        return str(properties.get("account_id", ""))

    def base_url(self) -> str:
        return rest_url(self.properties["account_id"])


def code_in(text: str, codes: Iterable[str]) -> str:
    """The first of `codes` in the text. RESTlets spell `nonce_used`, REST services `NonceUsed`."""
    joined = text.replace("_", "").lower()
    return next((code for code in codes if code.replace("_", "").lower() in joined), "")


def access_lost(code: str) -> Outcome:
    return outcomes.customer_must(
        code,
        "NetSuite refuses this access: it was revoked, or the integration record is blocked.",
        "enable the integration and issue the access again.",
        who="The customer's admin",
        you="Your admin",
    )
