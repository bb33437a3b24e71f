"""Client credentials, as the user of the instance's OAuth record."""

from typing import Literal

from sequin_admin.credentials.kinds import ClientCredentialsKind, Property, TokenGrant, register
from sequin_admin.providers.servicenow.common import ServiceNow, ServiceNowClient
from sequin_admin.tokens import protocol


class ServiceNowClientProperties(ServiceNowClient):
    kind: Literal["servicenow_client_credentials"]
    scope: str | None = Property("Scope", extension=True, read_only=True)
    user_name: str | None = Property("User", extension=True, read_only=True)
    user_sys_id: str | None = Property("User's sys_id", extension=True, read_only=True)


@register
class ServiceNowClientCredentials(ServiceNow, ClientCredentialsKind):
    label = "client credentials"
    properties_class = ServiceNowClientProperties
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
        return protocol.request_client_credentials(self, f"{self.base_url()}/oauth_token.do")
