"""Who calls: an API key as a bearer token, and what it may do."""

from django.http import HttpRequest
from ninja.security import HttpBearer

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Organization, Scope
from sequin_admin.api.errors import ApiError


class KeyAuth(HttpBearer):
    """`Authorization: Bearer sqn_...` (RFC 6750 section 2.1)."""

    openapi_description = "An API key of your organization, made under API keys in the dashboard."

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        return keys.find(token)


class Call(HttpRequest):
    """A request that came with a valid key."""

    auth: ApiKey


def allow(request: Call, scope: Scope) -> Organization:
    """The key's organization. Raises 403 when the key lacks `scope`."""
    if scope not in request.auth.scopes:
        raise ApiError(
            403,
            f"This API key does not have the scope {scope.value}. "
            "Make a key that has it under API keys in the dashboard.",
        )
    return request.auth.organization
