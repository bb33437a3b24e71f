"""All that a provider's file declares a kind with, and the registry of all kinds.

A kind is a proxy of `Credential` with a `properties_class`. The form, API schema, storage,
masking, docs page and contract tests all follow from what it declares. `credential.py` is the
contract, `bases.py` has the classes to start from.
"""

from collections.abc import Mapping
from typing import TypeVar

from sequin_admin.credentials.bases import (
    AppInstallKind,
    ClientCredentialsKind,
    KeyKind,
    OAuthKind,
    PasswordKind,
)
from sequin_admin.credentials.credential import Credential
from sequin_admin.credentials.declarations import (
    AppProperties,
    OAuth2,
    OAuthContext,
    Plan,
    Rate,
    RateLimitSignals,
    RefreshPace,
    TokenGrant,
)
from sequin_admin.credentials.defaults import set_defaults
from sequin_admin.credentials.grant_ends import with_ends
from sequin_admin.credentials.properties import MAX_NUMBER, Properties, Property, Secret
from sequin_admin.credentials.provider_changes import Certainty, ProviderChange
from sequin_admin.credentials.registry import choices, registered

__all__ = [
    "MAX_NUMBER",
    "AppInstallKind",
    "AppProperties",
    "Certainty",
    "ClientCredentialsKind",
    "KeyKind",
    "OAuth2",
    "OAuthContext",
    "OAuthKind",
    "PasswordKind",
    "Plan",
    "Properties",
    "Property",
    "ProviderChange",
    "Rate",
    "RateLimitSignals",
    "RefreshPace",
    "Secret",
    "TokenGrant",
    "all",
    "choices",
    "class_of",
    "find",
    "flow_of",
    "get",
    "get_oauth",
    "oauth_of",
    "of_provider",
    "providers",
    "register",
    "with_app",
]

Kind = TypeVar("Kind", bound=Credential)


def register(kind: type[Kind]) -> type[Kind]:
    """Class decorator that registers a kind. Raises `ValueError` for a duplicate slug.

    The properties of one with refresh tokens get the ends that any answer may name.
    """
    slug = kind.properties_class.kind_slug()
    if slug in registered:
        raise ValueError(f"The kind {slug} is registered twice.")
    if kind.oauth and kind.oauth.refresh_property in kind.properties_class.secret_names():
        kind.properties_class = with_ends(kind.properties_class)
    kind.slug, kind.property_names = slug, kind.properties_class.names()
    set_defaults(kind)
    registered[slug] = kind
    return kind


def find(slug: str | None) -> type[Credential] | None:
    """The proxy model of a kind, or None when it is not registered."""
    return registered.get(slug or "")


def get(slug: str) -> type[Credential]:
    """The proxy model of a kind. Raises `LookupError` when it is not registered."""
    kind = find(slug)
    if kind is None:
        raise LookupError(f"There is no kind {slug}.")
    return kind


def class_of(slug: str) -> type[Credential]:
    """The class that a row of this kind is loaded as, as in `Credential.from_db()`."""
    found: type[Credential] = registered.get(slug, Credential)
    return found


def get_oauth(slug: str) -> type[OAuthKind]:
    """As `get()`, for a kind that is connected by OAuth. Raises `LookupError` for others."""
    kind = get(slug)
    if not issubclass(kind, OAuthKind):
        raise LookupError(f"{kind.full_title()} has no OAuth flow.")
    return kind


def all() -> list[type[Credential]]:
    return [registered[slug] for slug in sorted(registered)]


def of_provider(provider: str) -> list[type[Credential]]:
    found = (kind for kind in registered.values() if kind.provider == provider)
    return sorted(found, key=lambda kind: kind.slug)


def providers() -> dict[str, str]:
    """Slug and title of every provider that has a kind."""
    return {kind.provider: kind.provider_title for kind in all()}


def title_of(provider: str) -> str:
    """hubspot -> HubSpot; the slug itself where no kind is left of the provider."""
    return providers().get(provider, provider)


def providers_by_title() -> list[tuple[str, str]]:
    """Slug and title, in the order of the titles whatever their case."""
    return sorted(providers().items(), key=lambda pair: pair[1].lower())


def with_app(provider: str) -> type[OAuthKind] | None:
    """The provider's kind whose client is ours; None when it has no OAuth app of ours."""
    offered = (kind for kind in of_provider(provider) if issubclass(kind, OAuthKind))
    return next((kind for kind in offered if kind.client_is_ours()), None)


def flow_of(provider: str, properties: Mapping[str, object]) -> OAuth2:
    """The authorization code flow of an OAuth app with these properties. Raises `LookupError` for
    a provider without an OAuth app."""
    kind = with_app(provider)
    if kind is None:
        raise LookupError(f"{provider} has no OAuth app of ours.")
    return kind.flow_for(properties)


def oauth_of(provider: str) -> OAuth2 | None:
    """The provider's flow whose client is ours; None when it has no OAuth app of ours."""
    kind = with_app(provider)
    return kind.oauth if kind else None
