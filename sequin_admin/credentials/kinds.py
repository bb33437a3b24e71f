"""The contract of a kind: what a provider's file declares, and the registry of all kinds.

A kind is a proxy of `Credential` with a `properties_class`. The form, API schema, storage,
masking, docs page and contract tests all follow from what is declared here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import BaseModel

from sequin_admin.credentials.properties import Properties, Property, Secret

__all__ = [
    "AppProperties",
    "OAuth2",
    "OAuthContext",
    "Plan",
    "Properties",
    "Property",
    "Rate",
    "RateLimitSignals",
    "RefreshPace",
    "Secret",
    "TokenGrant",
    "all",
    "choices",
    "get",
    "of_provider",
    "providers",
    "register",
    "with_app",
]


class Rate(BaseModel):
    """How fast we may call: `allowed_requests` per `interval` (ms), of which
    `max_concurrent_requests` at the same time (0 = no cap)."""

    allowed_requests: int
    interval: int
    max_concurrent_requests: int


@dataclass(frozen=True)
class Plan:
    """What a provider publishes for one of its tiers; where, says the kind's `rate_source`."""

    title: str
    rate: Rate


@dataclass(frozen=True)
class RateLimitSignals:
    """How a provider tells its callers to slow down, and how much they have left.

    `throttled` lists the answers that mean it, as a status and what the body then holds. It stops
    everybody for the time the answer names, else for `pause_s`. `remaining` and `reset` name
    headers, as does `used_of` ("18/5000"); without a reset, what remains is believed for a second.
    """

    throttled: tuple[tuple[int, str], ...] = ((429, ""),)
    pause_s: float | None = None
    remaining: str = ""
    used_of: str = ""
    reset: str = ""
    reset_unit: Literal["epoch_s", "epoch_ms"] = "epoch_s"


@dataclass(frozen=True)
class RefreshPace:
    """How many renewals our workers start in a second.

    No provider publishes a pace for its token endpoint. 10 a second through one OAuth app stays
    below the slowest limit that any of them publishes for its API, and keeps 26,000 tokens of an
    hour's life alive.
    """

    per_app: int = 10
    per_provider: int = 50


class AppProperties(Properties):
    """What an OAuth app has besides its client id: everybody has a secret, some have more."""

    kind: Literal["oauth_app"] = "oauth_app"
    client_secret: Secret = Property(
        "Client secret", help="Shown on the provider's developer page."
    )


@dataclass(frozen=True)
class OAuth2:
    """A provider's authorization code flow (RFC 6749 section 4.1), as data.

    Addresses may hold `{placeholders}` of the app's and the asked-for properties. Lives and
    margins are in seconds. `asks` names the properties we need before the redirect; `client` says
    whether id and secret are ours (an `OAuthApp`) or the customer's (properties of the credential).
    `client_secret_as_user` is HTTP Basic with the secret for a user name and no password.
    `grace_s` is how long a spent refresh token may be sent again and gets the same answer.
    `scope_words` says to customers what a scope lets us do.
    """

    authorize_url: str
    token_url: str
    scopes: tuple[str, ...] = ()
    scope_words: Mapping[str, str] = field(default_factory=dict)
    scope_separator: str = " "
    client: Literal["app", "credential"] = "app"
    client_auth: Literal["client_secret_basic", "client_secret_post", "client_secret_as_user"] = (
        "client_secret_post"
    )
    body: Literal["form", "json"] = "form"
    pkce: bool = True
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    token_params: Mapping[str, str] = field(default_factory=dict)
    required_properties: tuple[str, ...] = ()
    app: type[AppProperties] = AppProperties
    access_property: str = ""
    refresh_property: str = "refresh_token"
    access_life_s: int = 3600
    grace_s: int = 0


@dataclass(frozen=True, repr=False)
class TokenGrant:
    """A token endpoint's successful answer. `expires_in_s` is None when the provider named none."""

    access_token: str
    refresh_token: str = ""
    expires_in_s: int | None = None
    scope: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Grant expires_in_s={self.expires_in_s}>"


@dataclass(frozen=True, repr=False)
class OAuthContext:
    """What one connect trip knows: the app, what was asked before it, what came back with it."""

    client_id: str
    app: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)
    callback: Mapping[str, str] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "<Trip>"

    @property
    def url_params(self) -> dict[str, Any]:
        """Values for the `{placeholders}` of addresses."""
        return {**self.app, **self.asked, "client_id": self.client_id}


_kinds: dict[str, Any] = {}
Kind = TypeVar("Kind", bound=type)


def register(kind: Kind) -> Kind:
    """Make a kind known. Two kinds of the same name are a mistake."""
    slug = kind.properties_class.kind_slug()  # type: ignore[attr-defined]
    if slug in _kinds:
        raise ValueError(f"The kind {slug} is registered twice.")
    kind.slug = slug  # type: ignore[attr-defined]
    _kinds[slug] = kind
    return kind


def get(slug: str | None) -> Any:
    """The proxy model of a kind, or None when no such kind is known."""
    return _kinds.get(slug or "")


def all() -> list[Any]:
    return [_kinds[slug] for slug in sorted(_kinds)]


def of_provider(provider: str) -> list[Any]:
    return [kind for kind in all() if kind.provider == provider]


def providers() -> dict[str, str]:
    """Slug and title of every provider that has a kind."""
    return {kind.provider: kind.provider_title for kind in all()}


def choices() -> list[tuple[str, str]]:
    return [(kind.slug, str(kind.full_title())) for kind in all()]


def with_app(provider: str) -> Any:
    """The provider's kind whose client is ours; None when it has no OAuth app of ours."""
    return next((kind for kind in of_provider(provider) if kind.client_is_ours()), None)


def oauth_of(provider: str) -> OAuth2 | None:
    """The flow of the provider whose client is ours; None when it has no OAuth app of ours."""
    kind = with_app(provider)
    flow: OAuth2 | None = kind.oauth if kind else None
    return flow
