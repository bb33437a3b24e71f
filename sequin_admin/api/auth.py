"""Who calls: an API key as a bearer token, and what it may do."""

from typing import Any

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
    """A request that carries its key. Types only."""

    auth: ApiKey


def allow(request: Any, scope: Scope) -> Organization:
    """The key's organization. Raises 403 when the key lacks `scope`."""
    key: ApiKey = request.auth
    if scope not in key.scopes:
        raise ApiError(
            403,
            f"This API key does not have the scope {scope.value}. "
            "Make a key that has it under API keys in the dashboard.",
        )
    return key.organization
