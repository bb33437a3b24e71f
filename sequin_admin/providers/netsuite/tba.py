"""Token-based authentication: every request is signed as OAuth 1.0a (RFC 5849).

https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_4247337262.html
"""

from typing import Literal

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256
from oauthlib.oauth1 import Client as Signer

from sequin_admin.core import http
from sequin_admin.core.fields import Secrets
from sequin_admin.core.http import Response
from sequin_admin.credentials.kinds import PasswordKind, Property, Secret, register
from sequin_admin.credentials.outcomes import Outcome, Verdict
from sequin_admin.providers.netsuite.changes import END_OF_TBA, NO_NEW_TBA
from sequin_admin.providers.netsuite.common import NetSuite, NetSuiteAccount, access_lost, realm


class NetSuiteTBAProperties(NetSuiteAccount):
    """The two pairs of keys that requests are signed with: of the integration and of its user."""

    kind: Literal["netsuite_tba"]
    consumer_key: str = Property("Consumer key", extension=True)
    consumer_secret: Secret = Property("Consumer secret", extension=True)
    token_id: str = Property("Token ID", extension=True)
    token_secret: Secret = Property("Token secret", extension=True)


@register
class NetSuiteTBA(NetSuite, PasswordKind):
    """Keys with which requests are signed; they are never sent."""

    label = "token-based"
    properties_class = NetSuiteTBAProperties
    identity_properties = ("account_id", "token_id")
    changes = (NO_NEW_TBA, END_OF_TBA)
    guide = (
        "In NetSuite open Setup > Integration > Manage Integrations and create a record.",
        "Tick Token-Based Authentication; copy consumer key and secret, shown once.",
        "Open Setup > Users/Roles > Access Tokens, create a token, copy its ID and secret.",
        "NetSuite takes no new TBA integrations from release 2027.1: prefer client credentials.",
    )

    class Meta:
        proxy = True
        app_label = "providers"

    def probe(self, token: str) -> Outcome:
        url = self.catalog_url()
        return self.classify(http.get(url, headers=self.signed_headers(url)))

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        """There is nothing to refresh: a refused login means lost access."""
        outcome = super().classify(response)
        if outcome.verdict is Verdict.REFRESH:
            return access_lost(outcome.code)
        return outcome

    def signing(self) -> Secrets:
        return Secrets(
            {
                "client_key": self.properties["consumer_key"],
                "client_secret": self.secrets["consumer_secret"],
                "resource_owner_key": self.properties["token_id"],
                "resource_owner_secret": self.secrets["token_secret"],
                "signature_method": SIGNATURE_HMAC_SHA256,
                "realm": realm(self.properties["account_id"]),
            }
        )

    def signed_headers(self, url: str) -> Secrets:
        """The `Authorization` header of one GET, valid for that request only."""
        signer = Signer(**self.signing())
        _, headers, _ = signer.sign(url)
        return Secrets({"Authorization": str(headers["Authorization"])})
