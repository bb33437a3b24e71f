"""Client credentials with a signed assertion (RFC 7523): no user login, no seven-day limit.

https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_162730264820.html
"""

import uuid
from typing import Literal

from sequin_admin.core import clock, http
from sequin_admin.credentials import outcomes, signed_tokens
from sequin_admin.credentials.kinds import (
    ClientCredentialsKind,
    Property,
    Secret,
    TokenGrant,
    register,
)
from sequin_admin.credentials.normalizers import words
from sequin_admin.credentials.outcomes import Outcome, Refused
from sequin_admin.credentials.private_keys import CURVES, as_pem, parse_rsa_or_ec_key, rsa_or_ec_key
from sequin_admin.providers.netsuite.common import NetSuite, NetSuiteAccount, token_url
from sequin_admin.tokens import protocol

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE_S = 300


class NetSuiteClientProperties(NetSuiteAccount):
    """The client and the certificate with whose private key assertions are signed."""

    kind: Literal["netsuite_client_credentials"]
    client_id: str = Property("Client ID", extension=True, help="Of the integration record.")
    certificate_id: str = Property("Certificate ID", extension=True, help="Shown after the upload.")
    private_key: Secret = Property(
        "Private key",
        extension=True,
        help="The PEM file of the certificate.",
        multiline=True,
        normalizer=rsa_or_ec_key,
    )
    scope: str = Property(
        "Scope", extension=True, default="rest_webservices", normalizer=words(" ")
    )


@register
class NetSuiteClientCredentials(NetSuite, ClientCredentialsKind):
    """Tokens for signed assertions, as the user whom the certificate is mapped to."""

    label = "client credentials"
    properties_class = NetSuiteClientProperties
    identity_properties = ("account_id", "client_id")
    guide = (
        "In NetSuite open Setup > Integration > Manage Integrations and create a record.",
        "Tick Client Credentials (Machine to Machine) Grant and REST Web Services.",
        "Make a key pair, RSA of 3072 bits or more, or EC of the curve P-256, P-384 or P-521, and "
        "a certificate of at most two years.",
        "Open OAuth 2.0 Client Credentials Setup, upload the certificate, copy its ID.",
    )

    class Meta:
        proxy = True
        app_label = "providers"

    def mint(self) -> TokenGrant:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(),
        }
        url = token_url(self.properties["account_id"])
        response = http.post(url, form=form, deadline_s=protocol.TOKEN_DEADLINE_S)
        return protocol.parse_grant(type(self), response)

    def assertion(self) -> str:
        """The signed JWT. Raises `Refused` for an unreadable private key."""
        now = int(clock.now().timestamp())
        claims = {
            "iss": self.properties["client_id"],
            "scope": self.properties["scope"],
            "aud": token_url(self.properties["account_id"]),
            "iat": now,
            "exp": now + ASSERTION_LIFE_S,
            "jti": uuid.uuid4().hex,
        }
        try:
            pem, algorithm = signing_key(self.secrets["private_key"])
            kid = self.properties["certificate_id"]
            return signed_tokens.sign(algorithm, claims, pem, kid=kid)
        except ValueError:
            raise Refused(unreadable_key()) from None

    def probe(self, token: str) -> Outcome:
        return self.classify(http.get(self.catalog_url(), bearer=token))


def signing_key(text: str) -> tuple[str, str]:
    """The PEM file and its algorithm of those that NetSuite takes. Raises `ValueError`."""
    parsed = parse_rsa_or_ec_key(text)
    curve = getattr(parsed, "curve", None)
    return as_pem(parsed), CURVES[curve.name] if curve else "PS256"


def unreadable_key() -> Outcome:
    return outcomes.customer_must(
        "private_key",
        "The private key is not the PEM file of an RSA or EC key without a password.",
        "enter the whole file, from BEGIN to END, decrypted.",
    )
