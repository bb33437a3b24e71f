"""What a kind declares besides its properties, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from sequin_admin.core.fields import Secrets
from sequin_admin.credentials.properties import Properties, Property, Secret


class Rate(BaseModel):
    """How fast we may call: `allowed_requests` per `interval` (ms), of which
    `max_concurrent_requests` at the same time (0 = no cap)."""

    allowed_requests: int
    interval: int
    max_concurrent_requests: int


@dataclass(frozen=True)
class Plan:
    """The rate limit of one of a provider's plans, as published at the kind's `rate_source`."""

    title: str
    rate: Rate


@dataclass(frozen=True)
class RateLimitSignals:
    """How to recognize throttling and the remaining quota in a provider's responses.

    `throttled` lists (status, text in the body) pairs that mean "throttled". Such a response pauses
    all calls for the time it gives, else for `pause_s` seconds. `remaining`, `reset` and `used_of`
    are header names. `used_of` holds "18/5000", or several such pairs, of which the least remainder
    counts. Without a reset, the remaining quota is valid for one second.
    """

    throttled: tuple[tuple[int, str], ...] = ((429, ""),)
    pause_s: float | None = None
    remaining: str = ""
    used_of: str = ""
    reset: str = ""
    reset_unit: Literal["epoch_s", "epoch_ms"] = "epoch_s"


@dataclass(frozen=True)
class RefreshPace:
    """Token renewals that our workers start per second.

    No provider publishes a limit for its token endpoint. 10 per second through one OAuth app is
    below the lowest limit that any of them publishes for its API, and enough for 26,000 tokens
    that expire after an hour.
    """

    per_app: int = 10
    per_provider: int = 50


class AppProperties(Properties):
    """Properties of an OAuth app besides its client id. Providers may declare more."""

    kind: Literal["oauth_app"] = "oauth_app"
    client_secret: Secret = Property(
        "Client secret", help="Shown on the provider's developer page."
    )


@dataclass(frozen=True)
class OAuth2:
    """A provider's authorization code flow (RFC 6749 section 4.1), as data.

    URLs may contain `{placeholders}`, filled by the kind's `url_params()`.
    `required_properties` names the properties we need before the redirect. `client` says whether
    id and secret are ours (an `OAuthApp`) or the customer's (properties of the credential).
    `client_secret_as_user` is HTTP Basic with the secret as user name and no password.
    `access_life_s` is the access token's lifetime where the provider returns none, in seconds.
    `rotates` is whether a renewal replaces the refresh token, so that the former one is spent; True
    also where an app or a tenant decides that. `refused_codes` are the codes of outcomes that mean
    that the provider no longer takes the refresh token.
    `grace_s` is how many seconds a used refresh token still returns the same response.
    `scope_descriptions` explains to customers what a scope allows us to do.
    """

    authorize_url: str
    token_url: str
    rotates: bool
    scopes: tuple[str, ...] = ()
    scope_descriptions: Mapping[str, str] = field(default_factory=dict)
    scope_separator: str = " "
    client: Literal["app", "credential"] = "app"
    client_auth: Literal["client_secret_basic", "client_secret_post", "client_secret_as_user"] = (
        "client_secret_post"
    )
    body: Literal["form", "json"] = "form"
    pkce: bool = True
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    token_params: Mapping[str, str] = field(default_factory=dict)
    token_headers: Mapping[str, str] = field(default_factory=dict)
    required_properties: tuple[str, ...] = ()
    app: type[AppProperties] = AppProperties
    access_property: str = ""
    refresh_property: str = "refresh_token"
    access_life_s: int = 3600
    refused_codes: tuple[str, ...] = ("invalid_grant", "answer_lost")
    grace_s: int = 0


@dataclass(frozen=True, repr=False)
class TokenGrant:
    """A token endpoint's successful response. `expires_in_s` is None when it has no lifetime.

    Raises `TypeError` for an access token that is no text.
    """

    access_token: str
    refresh_token: str = ""
    expires_in_s: int | None = None
    scope: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.access_token, str):
            raise TypeError("The access token is no text.")
        object.__setattr__(self, "raw", Secrets(self.raw))

    def __repr__(self) -> str:
        return f"<TokenGrant expires_in_s={self.expires_in_s}>"


@dataclass(frozen=True, repr=False)
class OAuthContext:
    """The values that an OAuth flow works with.

    `app` are the OAuth app's properties, `inputs` the credential's known or required properties,
    `callback` the query of the callback; all may contain secrets.
    """

    client_id: str
    app: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    callback: Mapping[str, str] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("app", "inputs", "callback"):
            object.__setattr__(self, name, Secrets(getattr(self, name)))

    def __repr__(self) -> str:
        return "<OAuthContext>"

    @property
    def url_params(self) -> dict[str, Any]:
        """Values for the `{placeholders}` of the flow's URLs."""
        return Secrets({**self.app, **self.inputs, "client_id": self.client_id})
