"""The simulated NetSuite's authorization server."""

import secrets
from collections.abc import Mapping
from typing import Any, cast

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.http import HttpRequest, HttpResponse

from sequin_admin.simulator import consent, faults
from sequin_admin.simulator.calls import state_of
from sequin_admin.simulator.framework import SimulatedResponse
from sequin_admin.simulator.models import (
    SimulatedAccount,
    SimulatedClient,
    SimulatedGrant,
    SimulatedToken,
    now,
)
from sequin_admin.simulator.oauth import AuthorizationServer, flat_error
from sequin_admin.simulator.providers.netsuite.common import (
    REST,
    client_of,
    provider,
    select_account,
)

APP = r"(?:(?P<label>[a-z0-9]+(?:-[a-z0-9]+)*)\.app|system)\.netsuite\.com"
PATH = r"/services/rest/auth/oauth2/v1"
# RS256 is not among them.
ALGORITHMS = ["PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ISSUER = "https://system.netsuite.com"
# Nobody verifies this signature: tokens are looked up by value.
SIGNING_KEY = "the simulator's accounts share this one key"


class NetSuiteSimulator(AuthorizationServer):
    """Checks `state` and scopes, and authenticates clients by signed assertions too."""

    def invalid_request(self, query: Mapping[str, str]) -> str:
        scopes = set(query.get("scope", "").split())
        if not 22 <= len(query.get("state", "")) <= 1024:
            return "state must have 22 to 1024 characters"
        if not scopes or not (scopes <= set(provider.scopes) or scopes == {"mcp"}):
            return "scope must name restlets, rest_webservices, suite_analytics, or mcp alone"
        return super().invalid_request(query)

    def refusal(self, request: HttpRequest) -> tuple[str, str]:
        """Integrations that were created from 2027.1 on need PKCE."""
        tenant = state_of(request).tenant
        hashed = request.GET.get("code_challenge_method") == "S256"
        if tenant and tenant.has("require_pkce") and not hashed:
            return "invalid_request", "PKCE with code_challenge_method S256 is required"
        return super().refusal(request)

    def callback_params(self, account: SimulatedAccount) -> dict[str, str]:
        known = {"role": account.data["role"], "entity": account.data["entity"]}
        return {**known, "company": account.external_id}

    def authenticate_client(
        self, request: HttpRequest, fields: Mapping[str, str]
    ) -> SimulatedClient:
        """Raises `SimulatedResponse` also when the account blocks the integration."""
        if fields.get("grant_type") == "client_credentials":
            client = self.verify_assertion(request, fields)
        else:
            client = super().authenticate_client(request, fields)
        account = SimulatedAccount.objects.get(provider="netsuite", external_id=client.owner)
        if account.has("block_integration"):
            raise SimulatedResponse(self.error("invalid_client", "IntegrationBlocked", 401))
        return client

    def verify_assertion(self, request: HttpRequest, fields: Mapping[str, str]) -> SimulatedClient:
        """The client that signed the assertion (RFC 7523 section 3). Raises `SimulatedResponse`."""
        if fields.get("client_assertion_type") != ASSERTION:
            raise SimulatedResponse(
                self.error("invalid_request", "client_assertion_type is wrong", 400)
            )
        account = state_of(request).tenant
        if account is None:
            raise SimulatedResponse(self.error("invalid_client", "Unknown account", 400))
        client = client_of(account)
        assertion = fields.get("client_assertion", "")
        try:
            claims = jwt.decode(
                assertion,
                public_key(client),
                algorithms=ALGORITHMS,
                audience=token_url(client.owner),
                issuer=client.client_id,
                options={"verify_exp": False, "verify_iat": False, "require": ["iat", "exp"]},
            )
            named = jwt.get_unverified_header(assertion).get("kid")
        except jwt.InvalidIssuerError:
            raise SimulatedResponse(
                self.error("invalid_client", "The client is unknown", 401)
            ) from None
        except jwt.PyJWTError as error:
            raise SimulatedResponse(self.error("invalid_grant", str(error), 400)) from None
        at = now().timestamp()
        timely = claims["iat"] <= at + 5 and at < claims["exp"] <= claims["iat"] + 3600
        if not timely or named != client.extra["certificate_id"] or not claims.get("scope"):
            raise SimulatedResponse(
                self.error("invalid_grant", "The assertion is not acceptable", 400)
            )
        return client

    def check_account(self, account: SimulatedAccount) -> None:
        """Raises `SimulatedResponse` when the certificate has expired or its user is disabled."""
        if account.has("expire_certificate") or account.has("disable_user"):
            raise SimulatedResponse(
                self.error("invalid_grant", "The certificate or its user is over", 400)
            )

    def issue(self, grant: SimulatedGrant, use: str) -> SimulatedToken:
        life_s = (self.access_life_s if use == SimulatedToken.ACCESS else self.refresh_life_s) or 0
        account, at = grant.account, int(now().timestamp())
        claims = {
            "iss": ISSUER,
            "sub": f"{account.data['role']};{account.data['entity']}",
            "aud": [f"{grant.client.client_id[:8]};{account.external_id}"],
            "scope": grant.scopes,
            "iat": at,
            "exp": at + life_s,
            "jti": secrets.token_urlsafe(12),
        }
        return SimulatedToken.issue(grant, use, "", life_s, value=jwt.encode(claims, SIGNING_KEY))

    def extra_fields(self, grant: SimulatedGrant) -> dict[str, Any]:
        """NetSuite gives the lifetime as a string."""
        return {"expires_in": str(self.access_life_s)}


server = NetSuiteSimulator(
    provider,
    client_auth="basic",
    refresh_life_s=7 * 86_400,
    client_error_status=401,
    client_credentials=True,
)


def public_key(client: SimulatedClient) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    pem = client.extra["private_key"].encode()
    key = serialization.load_pem_private_key(pem, password=None)
    return cast(rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, key).public_key()


def token_url(account_id: str) -> str:
    label = account_id.lower().replace("_", "-")
    return f"https://{label}.suitetalk.api.netsuite.com{PATH}/token"


@provider.route("GET POST", APP, r"/app/login/oauth2/authorize\.nl")
def authorize(request: HttpRequest, label: str | None) -> HttpResponse:
    """At the account's own host, or at the common one, where the client implies the account."""
    if label is None:
        asked = request.GET.get("client_id", "")
        client = SimulatedClient.objects.filter(provider="netsuite", client_id=asked).first()
        if client is None:
            return consent.reject_client(request, provider, None)
        label = client.owner
    select_account(request, label)
    return server.authorize(request)


@provider.route("POST", REST, rf"{PATH}/token")
def token(request: HttpRequest, label: str) -> HttpResponse:
    select_account(request, label)
    return server.token(request)


@provider.route("POST", REST, rf"{PATH}/revoke")
def revoke(request: HttpRequest, label: str) -> HttpResponse:
    account = select_account(request, label)
    faults.apply_faults(request, provider, account)
    client = server.authenticate_client(request, request.POST.dict())
    row = server.find_token(client, SimulatedToken.REFRESH, request.POST.get("token", ""))
    if row is None:
        return flat_error("invalid_request", "The token is unknown", 400)
    row.grant.revoke()
    return HttpResponse(status=200)
