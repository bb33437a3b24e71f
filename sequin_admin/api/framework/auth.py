"""Who calls: an API key as a bearer token, from where, how often, and what it may do."""

from math import ceil

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja.errors import AuthenticationError
from ninja.security import HttpBearer

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Organization, Scope
from sequin_admin.api.framework.errors import ApiError
from sequin_admin.core.networks import contain
from sequin_admin.limits import quota


class KeyAuth(HttpBearer):
    """`Authorization: Bearer sqn_...` (RFC 6750 section 2.1). Counts the request."""

    openapi_description = "An API key of your organization, made under API keys in the dashboard."

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        if key := self.look_up(token):
            refuse_elsewhere(request, key)
            spend(request, key)
        return key

    def look_up(self, token: str) -> ApiKey | None:
        return keys.find(token)


class KnownKeyAuth(KeyAuth):
    """A key from memory. Whether it is still the same is asked with the credential."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        try:
            return super().authenticate(request, token)
        except ApiError:
            # What refuses may be what we remember: the networks and the limit as they were.
            keys.forget(token)
            return super().authenticate(request, token)

    def look_up(self, token: str) -> ApiKey | None:
        return keys.find_known(token)


# The scheme is the same one; the document should not list it twice.
KnownKeyAuth.__name__ = KeyAuth.__name__


class ApiRequest(HttpRequest):
    """A request that came with a valid key."""

    auth: ApiKey


def allow(request: ApiRequest, scope: Scope) -> Organization:
    """The key's organization. Raises 403 when the key lacks `scope`."""
    if scope not in request.auth.scopes:
        raise ApiError(
            403,
            f"This API key does not have the scope {scope.value}. "
            "Make a key that has it under API keys in the dashboard.",
        )
    return request.auth.organization


def know_again(request: ApiRequest) -> None:
    """Take the caller's key as it is by now, when the one in memory was revoked or changed.

    Raises 401 and 403.
    """
    token = request.headers["Authorization"].partition(" ")[2]
    keys.forget(token)
    key = keys.find_known(token)
    if key is None:
        raise AuthenticationError
    refuse_elsewhere(request, key)
    request.auth = key


def refuse_elsewhere(request: HttpRequest, key: ApiKey) -> None:
    """Raises 403 when the call comes from outside the key's networks."""
    if not key.networks:
        return
    told = request.META.get("HTTP_X_FORWARDED_FOR", "")
    caller = settings.TRUSTED_PROXIES.caller(request.META.get("REMOTE_ADDR", ""), told)
    if not contain(key.networks, caller):
        raise ApiError(
            403,
            f"This API key does not work from {caller or 'an unknown address'}, where we see you. "
            "Call from one of its networks, or have your address added under API keys in the "
            "dashboard.",
        )


def spend(request: HttpRequest, key: ApiKey) -> None:
    """Count the request. Raises 429 when the key has used up its minute."""
    spent = quota.spend(key)
    request.spent = spent  # type: ignore[attr-defined]
    if spent.refused:
        wait = max(ceil(spent.resets_s), 1)
        raise ApiError(
            429,
            f"This API key has used up its {spent.limit:,} requests of this minute. "
            f"Call again in {wait} s, or raise its limit under API keys in the dashboard.",
            headers={"Retry-After": str(wait)},
        )


def put_limits(request: HttpRequest, answer: HttpResponse) -> None:
    """Say how much is left, in every answer to a request that was counted."""
    if spent := getattr(request, "spent", None):
        answer["RateLimit-Limit"] = str(spent.limit)
        answer["RateLimit-Remaining"] = str(spent.remaining)
        answer["RateLimit-Reset"] = str(max(ceil(spent.resets_s), 1))
