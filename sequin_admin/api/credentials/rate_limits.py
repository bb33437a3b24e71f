"""A credential's rate limit in the API, and /v1/rate-limits: one limit for many credentials."""

from typing import Any
from uuid import UUID

from pydantic import Field

from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.framework.auth import ApiRequest, caller, require_scope
from sequin_admin.api.framework.errors import ERRORS, INVALID, ApiError
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import EXAMPLE_ID, Body, Shape
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.limits import models as limits

MAX_CREDENTIALS = 1000
RATE_LIMIT = {"allowed_requests": 100, "interval": 10_000, "max_concurrent_requests": 10}
router = Resource("Credentials")


class RateLimitShape(Body, Rate):
    """`interval` is in milliseconds; `max_concurrent_requests` 0 means no cap."""

    allowed_requests: int = Field(ge=1, le=limits.MOST_REQUESTS, examples=[100])
    interval: int = Field(ge=limits.SHORTEST_MS, le=limits.LONGEST_MS, examples=[10_000])
    max_concurrent_requests: int = Field(ge=0, le=limits.MOST_AT_ONCE, examples=[10])


class ManyLimits(Body):
    """One rate limit for many credentials."""

    examples = {"one of many": {"credential_ids": [EXAMPLE_ID], "rate_limit": RATE_LIMIT}}

    credential_ids: list[UUID] = Field(min_length=1, max_length=MAX_CREDENTIALS)
    rate_limit: RateLimitShape


class Updated(Shape):
    """The result of setting a limit for many."""

    updated: int = Field(description="How many credentials have this limit now.")


@router.post("/bulk", response={200: Updated, **ERRORS})
def set_rate_limits(request: ApiRequest, payload: ManyLimits) -> dict[str, Any]:
    """The same rate limit for many credentials, all or none."""
    organization = require_scope(request, Scope.WRITE)
    found = get_credentials_or_422(organization, payload.credential_ids)
    return {"updated": limits.set_limits(found, payload.rate_limit, actor=caller(request))}


def get_credentials_or_422(organization: Organization, ids: list[UUID]) -> list[Credential]:
    """All of them, ordered by id. Raises 422 with the position of each unknown id."""
    rows = Credential.objects.of(organization).filter(pk__in=ids).defer("secrets")
    found = list(rows.select_related("rate_limit").order_by("pk"))
    there = {credential.pk for credential in found}
    messages = ["There is no credential with this id in your organization."]
    missing = {f"credential_ids.{n}": messages for n, pk in enumerate(ids) if pk not in there}
    if missing:
        raise ApiError(422, INVALID, missing)
    return found
