"""The calls to an OpenID provider: through `core.http`, as all calls are."""

from typing import Any
from urllib.parse import SplitResult, urlsplit

from allauth.socialaccount.providers.oauth2.client import OAuth2Client, OAuth2Error

from sequin_admin.access.identity_providers import IdentityProvider
from sequin_admin.core import http
from sequin_admin.core.destinations import PrivateAddress

DEADLINE_S = 5.0


class TokenRefused(OAuth2Error):
    """The provider's answer can't be trusted. `str()` is for the log."""


def fetch_object(known: IdentityProvider, method: str, url: str, **options: Any) -> dict[str, Any]:
    """The JSON object at one of the provider's addresses. `options` as `http.request` takes them.

    The provider's configuration names the addresses, so only those on the public internet are
    called, and those on the hosts that `OIDC_PROVIDERS` names.
    Raises `TokenRefused`, and `http.Unreachable`.
    """
    check_address(known, url)
    host = urlsplit(url).hostname
    named = host in {urlsplit(known.issuer).hostname, *known.hosts}
    try:
        answer = http.request(
            method, url, provider=False, named=named, deadline_s=DEADLINE_S, **options
        )
    except PrivateAddress:
        raise TokenRefused(
            f"The provider's configuration names {host}, which is not a public address. If it is "
            "the provider's, add it to its hosts in OIDC_PROVIDERS."
        ) from None
    value = answer.json()
    if not answer.ok or not isinstance(value, dict):
        raise TokenRefused(f"{host} answered {answer.status} or no JSON object.")
    return value


def check_address(known: IdentityProvider, url: str) -> None:
    """Raises `TokenRefused` for one without TLS, as the client's secret is sent there."""
    try:
        if origin_of(urlsplit(url)) == origin_of(urlsplit(known.issuer)):
            return
        if url.startswith("https://") and urlsplit(url).hostname:
            return
    except ValueError:
        pass  # No address at all.
    raise TokenRefused("The provider's configuration names an address without https.")


def origin_of(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port


class CodeExchange(OAuth2Client):
    """allauth's client, whose one call goes our way."""

    known: IdentityProvider

    def get_access_token(
        self,
        code: str,
        pkce_code_verifier: str | None = None,
        extra_data: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """The tokens of the answer. Raises what `fetch_object` raises."""
        form = {
            "redirect_uri": self.callback_url,
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": pkce_code_verifier or "",
        }
        client = {"client_id": self.consumer_key, "client_secret": self.consumer_secret}
        told = fetch_object(
            self.known,
            "POST",
            self.access_token_url,
            form={k: v for k, v in {**form, **({} if self.basic_auth else client)}.items() if v},
            basic=(self.consumer_key, self.consumer_secret) if self.basic_auth else None,
        )
        if not isinstance(told.get("access_token"), str):
            raise TokenRefused("The provider sent no access token.")
        return {name: told.get(name) for name in ("access_token", "id_token")}
