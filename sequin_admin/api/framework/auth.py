"""API keys as bearer tokens: authentication, networks, request limits and scopes."""

from collections.abc import Callable
from math import ceil
from typing import TypeVar, cast

from django.http import HttpRequest, HttpResponse
from ninja.errors import AuthenticationError
from ninja.security import HttpBearer

from sequin_admin.access import endings, keys
from sequin_admin.access.models import ApiKey, Organization, Scope
from sequin_admin.api.framework.errors import ApiError, Denied
from sequin_admin.api.framework.light_headers import with_light_headers
from sequin_admin.core.actors import Actor, actor_of, address_of
from sequin_admin.core.networks import allows_address
from sequin_admin.core.words import count_words
from sequin_admin.limits import quota

Found = TypeVar("Found")


class KeyAuth(HttpBearer):
    """`Authorization: Bearer sqn_...` (RFC 6750 section 2.1). Counts the request."""

    openapi_description = "An API key of your organization, made under API keys in the dashboard."

    def __call__(self, request: HttpRequest) -> ApiKey | None:
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        return self.authenticate(request, token) if scheme.lower() == "bearer" else None

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        if key := self.look_up(token):
            check_network(request, key)
            count_request(request, key)
        return key

    def look_up(self, token: str) -> ApiKey | None:
        return keys.find(token)


class CachedKeyAuth(KeyAuth):
    """Takes the key from the process's cache. The view's query checks that it is still valid."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        try:
            return super().authenticate(request, token)
        except ApiError:
            # The cached networks and limit may be outdated: load the key again and retry once.
            keys.drop_cached(token)
            return super().authenticate(request, token)

    def look_up(self, token: str) -> ApiKey | None:
        return keys.find_cached(token)


# The scheme is the same one; the document should not list it twice.
CachedKeyAuth.__name__ = KeyAuth.__name__


class ApiRequest(HttpRequest):
    """A request that came with a valid key."""

    auth: ApiKey
    quota_usage: quota.BudgetResult


def require_scope(request: ApiRequest, scope: Scope) -> Organization:
    """The key's organization. Raises 403 when the key lacks `scope`."""
    if scope not in request.auth.scopes:
        if request.auth.organization.ends_at:
            raise ApiError(403, endings.describe_end(request.auth.organization))
        raise Denied(
            request.auth,
            "action.denied",
            f"This API key does not have the scope {scope.value}. "
            "Make a key that has it under API keys in the dashboard.",
            needed=scope.value,
        )
    return request.auth.organization


def caller(request: ApiRequest) -> Actor:
    """The key, and where it is used, as the actor of an event."""
    return actor_of(request, request.auth)


def find_with_key(
    request: ApiRequest, scope: Scope, find: Callable[[ApiKey], tuple[Found, bool]]
) -> Found:
    """What `find` finds with a cached key. It also says whether that key is still valid and
    unchanged, which the same query finds out; else it is run again with the stored key.

    Raises 401 and 403.
    """
    if scope in request.auth.scopes:
        found, holds = find(request.auth)
        if holds:
            return found
    reload_key(request)
    require_scope(request, scope)
    return find(request.auth)[0]


def check_cached_key(request: ApiRequest) -> None:
    """For what has no query that checks a cached key with its rows. Raises 401 and 403."""
    if not keys.is_still_usable(request.auth):
        reload_key(request)


def reload_key(request: ApiRequest) -> None:
    """Replace the caller's cached key, which was revoked or changed, by the stored one.

    Raises 401 and 403.
    """
    token = request.headers["Authorization"].partition(" ")[2]
    keys.drop_cached(token)
    key = keys.find_cached(token)
    if key is None:
        raise AuthenticationError
    check_network(request, key)
    request.auth = key


def check_network(request: HttpRequest, key: ApiKey) -> None:
    """Raises 403 when the request comes from outside the key's networks."""
    if not key.networks:
        return
    caller = address_of(request)
    if not allows_address(key.networks, caller):
        raise Denied(
            key,
            "api_key.network_refused",
            f"This API key does not work from {caller or 'an unknown address'}, where we see you. "
            "Call from one of its networks, or have your address added under API keys in the "
            "dashboard.",
        )


def count_request(request: HttpRequest, key: ApiKey) -> None:
    """Count the request. Raises 429 when the key's limit per minute is used up."""
    usage = quota.count_request(key)
    cast(ApiRequest, request).quota_usage = usage
    if usage.refused:
        wait = max(ceil(usage.resets_s), 1)
        raise ApiError(
            429,
            f"This API key has used up its {count_words(usage.limit, 'request')} of this minute. "
            f"Call again in {wait} s, or raise its limit under API keys in the dashboard.",
            headers={"Retry-After": str(wait)},
        )


def add_rate_limit_headers(request: HttpRequest, response: HttpResponse) -> None:
    """Add the `RateLimit-*` headers to the response to a request that was counted."""
    if usage := getattr(request, "quota_usage", None):
        headers = with_light_headers(response).headers
        headers["RateLimit-Limit"] = usage.limit
        headers["RateLimit-Remaining"] = usage.remaining
        headers["RateLimit-Reset"] = max(ceil(usage.resets_s), 1)
