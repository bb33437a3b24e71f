"""ServiceNow. OAuth: https://www.servicenow.com/docs/bundle/zurich-platform-security/page/administer/security/concept/c_OAuthApplications.html

The client belongs to the customer: each instance has its own OAuth endpoint record.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from sequin_admin.core import clock, http
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
    RateLimitSignals,
    Secret,
    TokenGrant,
    register,
)
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.normalizers import instant, origin_under
from sequin_admin.credentials.outcomes import Outcome, Refused, Verdict
from sequin_admin.tokens import protocol

INSTANCE = r"https://[a-z0-9-]+\.service-now\.com"
DOMAIN = ".service-now.com"
OF_ALL = {f"https://{name}{DOMAIN}" for name in ("signon", "www", "hi")}
NO_INSTANCE = (
    "This is ServiceNow's own address, not the customer's. Enter the one of their instance, such "
    "as https://acme.service-now.com."
)
# The default of an instance's OAuth record, which the guide asks for at least.
REFRESH_LIFE = timedelta(days=100)
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


class ServiceNowOAuthProperties(ServiceNowClient):
    kind: Literal["servicenow_oauth2"]
    refresh_token: Secret = Property("Refresh token", extension=True)
    scope: str | None = Property("Scope", extension=True, read_only=True)
    user_name: str | None = Property("User", extension=True, read_only=True)
    user_sys_id: str | None = Property("User's sys_id", extension=True, read_only=True)
    refresh_token_expires_at: datetime | None = Property(
        "Refresh token expires",
        extension=True,
        read_only=True,
        normalizer=instant,
        help="100 days after the login, or after the import of a refresh token at the latest, as "
        "ServiceNow does not say when.",
    )


class ServiceNowClientProperties(ServiceNowClient):
    kind: Literal["servicenow_client_credentials"]
    scope: str | None = Property("Scope", extension=True, read_only=True)
    user_name: str | None = Property("User", extension=True, read_only=True)
    user_sys_id: str | None = Property("User's sys_id", extension=True, read_only=True)


class ServiceNow(Credential):
    """What both kinds of ServiceNow credential share."""

    provider, provider_title = "servicenow", "ServiceNow"
    destination_properties = ("instance_url",)
    host_is_theirs = True
    identity_properties = ("instance_url", "client_id")
    rate = Rate(allowed_requests=300, interval=60_000, max_concurrent_requests=4)
    rate_source = "Set by the customer's admin, per instance."
    rate_limit_signals = RateLimitSignals(reset="x-ratelimit-reset")
    docs_url = "https://www.servicenow.com/docs/bundle/zurich-api-reference/page/integrate/inbound-rest/concept/c_RESTAPI.html"

    catalogue = (
        collection_schema(
            "incident",
            "sys_id! number short_description state priority opened_at:datetime "
            "sys_updated_on:datetime",
        ),
        collection_schema(
            "problem",
            "sys_id! number short_description state priority sys_updated_on:datetime",
        ),
        collection_schema(
            "change_request",
            "sys_id! number short_description type state sys_updated_on:datetime",
        ),
        collection_schema(
            "sc_req_item", "sys_id! number short_description stage sys_updated_on:datetime"
        ),
        collection_schema(
            "sys_user", "sys_id! user_name name email active:boolean sys_updated_on:datetime"
        ),
        collection_schema(
            "sys_user_group", "sys_id! name manager active:boolean sys_updated_on:datetime"
        ),
        collection_schema(
            "cmdb_ci", "sys_id! name sys_class_name install_status sys_updated_on:datetime"
        ),
    )

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
        if response.status == 401:
            return outcomes.expired("unauthorized", "ServiceNow refuses the token.").with_evidence(
                response
            )
        if response.status == 403:
            return outcomes.customer(
                "forbidden",
                "ServiceNow says the connected user may not read this table.",
                "The customer's admin must give the user the role it needs.",
                "Your admin must give the user the role it needs.",
            ).with_evidence(response)
        if response.ok and response.json() is None:
            return outcomes.customer(
                "hibernating",
                "The ServiceNow instance answers with a web page: it sleeps or is closed to us.",
                "The customer must wake the instance up and check that its API is reachable.",
                "You must wake the instance up and check that its API is reachable.",
            ).with_evidence(response)
        return outcomes.by_status(response, "ServiceNow")

    @classmethod
    def classify_token_error(cls, response: Response) -> Outcome:
        data = response.data()
        if data.get("error") == "server_error" and data.get("error_description") == "access_denied":
            return outcomes.customer(
                "access_denied",
                "ServiceNow gives us no more tokens: the user is locked or the grant was removed.",
                "The customer must unlock the user or connect again.",
                "You must unlock the user or connect again.",
            ).with_evidence(response)
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


@register
class ServiceNowOAuth(ServiceNow):
    label = "OAuth"
    properties_class = ServiceNowOAuthProperties
    oauth: ClassVar[OAuth2] = OAuth2(
        authorize_url="{instance_url}/oauth_auth.do",
        token_url="{instance_url}/oauth_token.do",  # noqa: S106 - an address
        rotates=False,
        client="credential",
        pkce=False,
        required_properties=("instance_url", "client_id", "client_secret"),
        access_life_s=1800,
    )
    guide = (
        "In the ServiceNow instance open System OAuth > Application Registry.",
        "Create an OAuth API endpoint for external clients with the redirect URI shown here.",
        "Leave its scope at useraccount, and its refresh token's life at 100 days or more.",
        "Copy its client ID and client secret.",
        "Connect as a user whose roles may read the tables you sync.",
    )

    class Meta:
        proxy = True
        app_label = "providers"

    @classmethod
    def identify(cls, grant: TokenGrant, context: OAuthContext) -> dict[str, Any]:
        response = whoami(str(context.inputs["instance_url"]), grant.access_token)
        outcome = cls.classify(response)
        if outcome.verdict is not Verdict.OK and response.status != 403:
            raise Refused(outcome)
        return {
            **user_of(response),
            "scope": grant.scope or "useraccount",
            **cls.properties_of_entered(clock.now()),
        }

    @classmethod
    def properties_of_entered(cls, at: datetime) -> dict[str, Any]:
        """A token that was issued before it was entered ends sooner: this is its latest end."""
        ends = at + REFRESH_LIFE
        return {"refresh_token_expires_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def access_ends_at(self) -> datetime | None:
        """Renewing returns the same refresh token, whose life goes on from the login."""
        ends = self.properties.get("refresh_token_expires_at")
        # Older imports stored none.
        return clock.from_iso(ends) if ends else self.secrets_changed_at + REFRESH_LIFE

    def revoke(self, token: str) -> None:
        form = Secrets(token=self.secrets["refresh_token"])
        response = http.post(f"{self.base_url()}/oauth_revoke_token.do", form=form)
        if not response.ok:
            raise Refused(self.classify(response))


@register
class ServiceNowClientCredentials(ServiceNow):
    label = "client credentials"
    properties_class = ServiceNowClientProperties
    mints = True
    guide = (
        "In the ServiceNow instance set glide.oauth.inbound.client.credential.grant_type.enabled.",
        "Open System OAuth > Application Registry and create an endpoint for external clients.",
        "Give it an OAuth application user with the roles the sync needs.",
        "Copy its client ID and client secret.",
    )

    class Meta:
        proxy = True
        app_label = "providers"

    def mint(self) -> TokenGrant:
        response = protocol.call_token_endpoint(
            f"{self.base_url()}/oauth_token.do",
            {"grant_type": "client_credentials"},
            client_id=self.properties["client_id"],
            client_secret=self.secrets["client_secret"],
        )
        return protocol.parse_grant(type(self), response)


def whoami(instance_url: str, token: str) -> Response:
    return http.get(
        f"{instance_url}/api/now/table/sys_user", bearer=token, params=CURRENT_USER_QUERY
    )


def user_of(response: Response) -> dict[str, Any]:
    """The row of the connected user; nothing where the user may not read the table."""
    rows = response.data()["result"] if response.ok else []
    user = rows[0] if rows else {}
    return {"user_name": user.get("user_name"), "user_sys_id": user.get("sys_id")}
