"""Sign-on through an OpenID provider: allauth's flow, with what it leaves out.

It brings state, PKCE and the exchange of the code. Here are the nonce, the issuer that discovery
must name (OpenID Connect Discovery 4.3), and the whole check of the ID token (OpenID Connect Core
3.1.3.7): signature, issuer, audience, times, nonce.
"""

from functools import cached_property
from hashlib import sha256
from typing import Any, cast

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Client
from allauth.socialaccount.providers.oauth2.utils import generate_code_challenge
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from sequin_admin.access.identity_providers import IdentityProvider
from sequin_admin.dashboard.sign_on_http import (
    CodeExchange,
    TokenRefused,
    check_address,
    fetch_object,
)

# Asymmetric ones only: the keys are the provider's, and public.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "Ed25519"]
LEEWAY_S = 60
NEEDED = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
# What is stored of the claims with the account.
KEPT = ("iss", "sub", "email", "email_verified")


def nonce_of(verifier: str) -> str:
    """Of the PKCE verifier, which the session keeps: a digest of it, so that nothing else is kept
    (OpenID Connect Core 15.5.2)."""
    return sha256(f"nonce:{verifier}".encode()).hexdigest()


class SignOnProvider(OpenIDConnectProvider):
    """One of `OIDC_PROVIDERS`."""

    @property
    def oauth2_adapter_class(self) -> type["SignOnClient"]:
        return SignOnClient

    def get_pkce_params(self) -> dict[str, str]:
        params: dict[str, str] = generate_code_challenge()
        return {**params, "nonce": nonce_of(params["code_verifier"])}

    def get_auth_params_from_request(self, *_: Any) -> dict[str, str]:
        """None: who makes a link could set `redirect_uri` or `nonce` otherwise."""
        return {}

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        scopes: list[str] = self.get_scope()
        return scopes

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        """Signs in, or connects an account to the person who is signed in; nothing else."""
        kwargs: dict[str, Any] = super().get_redirect_from_request_kwargs(request)
        connects = kwargs["process"] == AuthProcess.CONNECT and request.user.is_authenticated
        return {**kwargs, "process": AuthProcess.CONNECT if connects else AuthProcess.LOGIN}

    def extract_uid(self, data: dict[str, Any]) -> str:
        """Of the issuer, too: a setting that names another one gives it no account of this one."""
        return sha256(f"{data['iss']}\n{data['sub']}".encode()).hexdigest()

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        factors = [data.get("acr"), *as_list(data.get("amr"))]
        kept = {name: data[name] for name in KEPT if name in data}
        return {**kept, "factors": [each for each in factors if isinstance(each, str)]}

    def extract_email_addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        return []


class SignOnClient(OpenIDConnectOAuth2Adapter):
    """The requests of one sign-on to the provider."""

    nonce = ""
    client_class = CodeExchange

    @cached_property
    def known(self) -> IdentityProvider:
        return settings.OIDC_PROVIDERS[self.provider_id]

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        path = reverse("openid_connect_callback", kwargs={"provider_id": self.provider_id})
        return f"{settings.PUBLIC_URL}{path}"

    @cached_property
    def openid_config(self) -> dict[str, Any]:
        """Raises what `fetch_object` raises."""
        config = fetch_object(self.known, "GET", self.get_provider().server_url)
        missing = [name for name in NEEDED if not isinstance(config.get(name), str)]
        if missing:
            raise TokenRefused(f"The provider's configuration lacks {', '.join(missing)}.")
        if config["issuer"].rstrip("/") != self.known.issuer.rstrip("/"):
            raise TokenRefused("The provider's configuration names another issuer.")
        check_address(self.known, config["authorization_endpoint"])
        return config

    @property
    def basic_auth(self) -> bool:
        """Whether the client's secret goes into a header, as it takes it nowhere else."""
        taken = as_list(self.openid_config.get("token_endpoint_auth_methods_supported"))
        return "client_secret_basic" in taken and "client_secret_post" not in taken

    def get_client(self, request: HttpRequest, app: SocialApp) -> CodeExchange:
        client: CodeExchange = super().get_client(request, app)
        client.known = self.known
        return client

    def get_access_token_data(
        self,
        request: HttpRequest,
        app: SocialApp,
        client: OAuth2Client,
        pkce_code_verifier: str | None = None,
    ) -> dict[str, Any]:
        self.nonce = nonce_of(pkce_code_verifier or "")
        answer: dict[str, Any] = super().get_access_token_data(
            request, app, client, pkce_code_verifier
        )
        return answer

    def complete_login(
        self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any
    ) -> SocialLogin:
        """Raises what `fetch_object` raises."""
        claims = self.check_id_token(kwargs["response"].get("id_token"))
        url = self.openid_config.get("userinfo_endpoint")
        if "email" not in claims and isinstance(url, str):
            told = fetch_object(self.known, "GET", url, bearer=token.token)
            if told.get("sub") != claims["sub"]:
                raise TokenRefused("The provider told us about another person than it signed on.")
            claims = {**told, **claims}
        return self.get_provider().sociallogin_from_response(request, claims)

    def check_id_token(self, token: object) -> dict[str, Any]:
        """The claims. Raises what `fetch_object` raises."""
        if not isinstance(token, str):
            raise TokenRefused("The provider sent no ID token.")
        issuer, audience = self.openid_config["issuer"], self.known.client_id
        wanted = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": self.nonce},
        )
        try:
            decoded = jwt.decode(token, self.fetch_keys(), algorithms=ALGORITHMS)
            wanted.validate(decoded.claims)
        except (JoseError, ValueError) as error:
            raise TokenRefused(f"The ID token is refused: {error}") from None
        claims = dict(decoded.claims)
        if len(as_list(claims["aud"])) > 1 and claims.get("azp") != audience:
            raise TokenRefused("The ID token is for several, and not issued to us.")
        return claims

    def fetch_keys(self) -> KeySet:
        """Raises what `fetch_object` raises."""
        keys = fetch_object(self.known, "GET", self.openid_config["jwks_uri"])
        try:
            return KeySet.import_key_set(cast(KeySetSerialization, keys))
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise TokenRefused(f"The provider's keys are refused: {error}") from None


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
