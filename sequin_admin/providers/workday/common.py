"""What both kinds of Workday credential share: the tenant, errors, collections."""

import re
from collections.abc import Mapping
from typing import Any

from sequin_admin.credentials import outcomes
from sequin_admin.credentials.kinds import Properties, Property, Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.normalizers import address_of, host, segments
from sequin_admin.credentials.outcomes import Outcome
from sequin_admin.providers.workday.catalogue import CATALOGUE

HOST = r"[a-z0-9.-]+\.(workday|myworkday)\.com"
TENANT = r"[A-Za-z0-9][A-Za-z0-9_-]*"
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


class Workday(Credential):
    """What both kinds of Workday credential share."""

    provider, provider_title = "workday", "Workday"
    destination_properties = ("host", "tenant")
    rate = Rate(allowed_requests=5, interval=1000, max_concurrent_requests=3)
    docs_url = "https://community.workday.com/sites/default/files/file-hosting/restapi/index.html"
    catalogue = CATALOGUE

    class Meta:
        proxy = True
        app_label = "providers"

    def base_url(self) -> str:
        return f"https://{self.properties['host']}"

    @classmethod
    def suggest_name(cls, properties: Mapping[str, Any]) -> str:
        return str(properties.get("tenant", ""))


def not_authorized() -> Outcome:
    return outcomes.customer_must(
        "not_authorized",
        "Workday says the integration user lacks a domain permission or functional area.",
        "grant it and activate the pending security policy changes.",
        who="The customer's admin",
        you="Your admin",
    )
