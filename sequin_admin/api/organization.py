"""/v1/organization: the organization of the API key.

Read-only: changing it is the owners' right on the pages, and a key has no role.
"""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from pydantic import Field

from sequin_admin.access.models import Logo, Organization, Scope
from sequin_admin.api.framework.auth import ApiRequest, require_scope
from sequin_admin.api.framework.errors import ERRORS
from sequin_admin.api.framework.etags import with_etag
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import Shape, Timestamp

router = Resource(
    "Organization",
    "Your organization and its members.",
)


class OrganizationShape(Shape):
    """The organization that the API key belongs to."""

    id: UUID
    name: str = Field(description="Customers see it when you ask them to connect an account.")
    slug: str = Field(examples=["arrakis"])
    logo_changed_at: Timestamp | None = Field(description="Null while there is no logo.")
    created_at: Timestamp
    ends_at: Timestamp | None = Field(
        description="When it will be erased, as an owner has asked. Until then keys can only read."
    )


def organization_out(organization: Organization) -> dict[str, Any]:
    logo = Logo.objects.filter(pk=organization.pk).values_list("changed_at", flat=True).first()
    plain = ("id", "name", "slug", "created_at", "ends_at")
    return {**{n: getattr(organization, n) for n in plain}, "logo_changed_at": logo}


@router.get("", response={200: OrganizationShape, **ERRORS})
def get_organization(request: ApiRequest, response: HttpResponse) -> dict[str, Any]:
    """The one that this key belongs to, with its ETag. Owners change its name and logo on its
    page."""
    return with_etag(response, organization_out(require_scope(request, Scope.READ)))
