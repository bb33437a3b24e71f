"""ServiceNow. OAuth: https://www.servicenow.com/docs/bundle/zurich-platform-security/page/administer/security/concept/c_OAuthApplications.html

The client belongs to the customer: each instance has its own OAuth endpoint record.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sequin_admin.core import http
from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.kinds import (
    Properties,
    Property,
    Rate,
    RateLimitSignals,
    Secret,
    TokenGrant,
)
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.normalizers import origin_under
from sequin_admin.credentials.outcomes import Outcome
from sequin_admin.providers.servicenow.catalogue import CATALOGUE

INSTANCE = r"https://[a-z0-9-]+\.service-now\.com"
DOMAIN = ".service-now.com"
OF_ALL = {f"https://{name}{DOMAIN}" for name in ("signon", "www", "hi")}
NO_INSTANCE = (
    "This is ServiceNow's own address, not the customer's. Enter the one of their instance, such "
    "as https://acme.service-now.com."
)
CURRENT_USER_QUERY = {
    "sysparm_query": "user_name=javascript:gs.getUserName()",
    "sysparm_fields": "sys_id,user_name,email,name",
    "sysparm_limit": "1",
}


def instance_url(text: str) -> str:
    """Raises `ValueError` for a host that is no customer's instance."""
    found = origin_under(DOMAIN)(text)
    if found in OF_ALL:
        raise ValueError(NO_INSTANCE)
    return found


class ServiceNowClient(Properties):
    """What both kinds share: the instance and the customer's own client."""

    instance_url: str = Property(
        "Instance URL",
        extension=True,
        example="https://arrakis.service-now.com",
        pattern=INSTANCE,
        normalizer=instance_url,
    )
    client_id: str = Property("Client ID", extension=True, help="Of the instance's OAuth record.")
    client_secret: Secret = Property("Client secret", extension=True)


class ServiceNow(Credential):
    """What both kinds of ServiceNow credential share."""

    provider, provider_title = "servicenow", "ServiceNow"
    destination_properties = ("instance_url",)
    identity_properties = ("instance_url", "client_id")
    rate = Rate(allowed_requests=300, interval=60_000, max_concurrent_requests=4)
    rate_source = "Set by the customer's admin, per instance."
    rate_limit_signals = RateLimitSignals(reset="x-ratelimit-reset")
    docs_url = "https://www.servicenow.com/docs/bundle/zurich-api-reference/page/integrate/inbound-rest/concept/c_RESTAPI.html"
    catalogue = CATALOGUE

    class Meta:
        proxy = True
        app_label = "providers"

    def probe(self, token: str) -> Outcome:
        """A 403 means that the user table is not readable; the credential works."""
        response = whoami(self.base_url(), token)
        outcome = self.classify(response)
        if response.status == 403:
            return outcomes.works().with_evidence(response)
        return outcomes.works(**user_of(response)) if outcome.ok else outcome

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        if response.status == 403:
            return outcomes.customer_must(
                "forbidden",
                "ServiceNow says the connected user may not read this table.",
                "give the user the role it needs.",
                who="The customer's admin",
                you="Your admin",
            )
        if response.ok and response.json() is None:
            return outcomes.customer_must(
                "hibernating",
                "The ServiceNow instance answers with a web page: it sleeps or is closed to us.",
                "wake the instance up and check that its API is reachable.",
            )
        return super().classify(response)

    @classmethod
    def classify_token_error(cls, response: Response) -> Outcome:
        data = response.data()
        if data.get("error") == "server_error" and data.get("error_description") == "access_denied":
            return outcomes.customer_must(
                "access_denied",
                "ServiceNow gives us no more tokens: the user is locked or the grant was removed.",
                "unlock the user or connect again.",
            )
        if response.ok and response.json() is None:
            return cls.classify(response)
        return super().classify_token_error(response)

    @classmethod
    def properties_from_grant(cls, grant: TokenGrant) -> dict[str, Any]:
        return {"scope": grant.scope or None}

    @classmethod
    def suggest_name(cls, properties: Mapping[str, Any]) -> str:
        return (urlsplit(str(properties.get("instance_url", ""))).hostname or "").split(".")[0]

    def base_url(self) -> str:
        return str(self.properties["instance_url"])


def whoami(instance_url: str, token: str) -> Response:
    return http.get(
        f"{instance_url}/api/now/table/sys_user", bearer=token, params=CURRENT_USER_QUERY
    )


def user_of(response: Response) -> dict[str, Any]:
    """The row of the connected user; nothing where the user may not read the table."""
    rows = response.data()["result"] if response.ok else []
    user = rows[0] if rows else {}
    return {"user_name": user.get("user_name"), "user_sys_id": user.get("sys_id")}
