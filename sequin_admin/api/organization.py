"""/v1/organization and /v1/members: whose key this is, and who else works here."""

import binascii
from base64 import b64decode
from io import BytesIO
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from ninja import Query, Router, Status
from pydantic import Field

from sequin_admin.access import organizations
from sequin_admin.access.models import Logo, Membership, Organization, Scope
from sequin_admin.access.policy import Role
from sequin_admin.api.auth import Call, allow
from sequin_admin.api.errors import ERRORS, INVALID, ApiError
from sequin_admin.api.pages import Paged, page_of
from sequin_admin.api.schemas import Body, Shape, Timestamp
from sequin_admin.api.versions import IfMatch, expect, tagged

router = Router(tags=["Organization"])
members = Router(tags=["Organization"])

# A body of 2.5 MB is the most that is taken, and Base64 makes three bytes four.
MOST_BASE64 = 2_400_000


class OrganizationShape(Shape):
    id: UUID
    name: str = Field(description="Customers see it when you ask them to connect an account.")
    slug: str
    logo_changed_at: Timestamp | None = Field(description="Null while there is no logo.")
    created_at: Timestamp


class OrganizationPatch(Body):
    name: str | None = Field(default=None, min_length=1, max_length=100)


class NewLogo(Body):
    image: str = Field(
        min_length=1,
        max_length=MOST_BASE64,
        description="A PNG, JPEG or WebP of up to 1.8 MB, as Base64. A square looks best.",
    )


class MemberShape(Shape):
    id: int
    email: str
    role: Role
    invited: bool = Field(description="Has not chosen a password yet.")
    created_at: Timestamp


class MemberList(Shape):
    data: list[MemberShape]
    next_cursor: str | None


class Filters(Paged):
    role: Role | None = None


def organization_out(organization: Organization) -> dict[str, Any]:
    logo = Logo.objects.filter(pk=organization.pk).values_list("changed_at", flat=True).first()
    plain = ("id", "name", "slug", "created_at")
    return {**{n: getattr(organization, n) for n in plain}, "logo_changed_at": logo}


@router.get("", response={200: OrganizationShape, **ERRORS})
def get_organization(request: Call, response: HttpResponse) -> Any:
    """The one that this key belongs to, with its ETag."""
    return tagged(response, organization_out(allow(request, Scope.READ)))


@router.patch("", response={200: OrganizationShape, **ERRORS})
def update_organization(
    request: Call, payload: OrganizationPatch, response: HttpResponse, if_match: IfMatch = None
) -> Any:
    """Change the name."""
    own = allow(request, Scope.WRITE)
    with transaction.atomic():
        organization = Organization.objects.select_for_update().get(pk=own.pk)
        expect(if_match, organization_out(organization))
        organizations.rename(organization, payload.name or organization.name, actor=request.auth)
    return tagged(response, organization_out(organization))


@router.put("/logo", response={200: OrganizationShape, **ERRORS})
def set_organization_logo(request: Call, payload: NewLogo, response: HttpResponse) -> Any:
    """The picture that customers see beside the name."""
    organization = allow(request, Scope.WRITE)
    try:
        image = b64decode(payload.image, validate=True)
        png = organizations.as_logo(BytesIO(image), len(image))
    except (binascii.Error, ValueError) as error:
        bad = isinstance(error, organizations.BadPicture)
        said = str(error) if bad else "Send the picture's bytes as Base64 (RFC 4648 section 4)."
        raise ApiError(422, INVALID, {"image": [said]}) from None
    organizations.set_logo(organization, png, actor=request.auth)
    return tagged(response, organization_out(organization))


@router.delete("/logo", response={204: None, **ERRORS})
def remove_organization_logo(request: Call) -> Any:
    """Customers see the name alone. That there was no logo is no error."""
    organizations.remove_logo(allow(request, Scope.WRITE), actor=request.auth)
    return Status(204, None)


@members.get("", response={200: MemberList, **ERRORS})
def list_members(request: Call, filters: Query[Filters]) -> Any:
    """Newest first. To add, change or remove people an owner signs in: a key has no role, and one
    that could make owners would be worth more than any scope says."""
    filters.refuse_unknown(request)
    rows = Membership.objects.of(allow(request, Scope.READ)).select_related("user")
    rows = rows.filter(role=filters.role) if filters.role else rows
    page, following = page_of(rows, sort="-created_at", cursor=filters.cursor, limit=filters.limit)
    return {"data": [member_out(row) for row in page], "next_cursor": following}


@members.get("/{member_id}", response={200: MemberShape, **ERRORS})
def get_member(request: Call, member_id: int) -> Any:
    """One person and their role here."""
    rows = Membership.objects.of(allow(request, Scope.READ)).select_related("user")
    membership = rows.filter(pk=member_id).first()
    if membership is None:
        raise ApiError(404, "There is no such member in your organization.")
    return member_out(membership)


def member_out(membership: Membership) -> dict[str, Any]:
    return {
        "id": membership.pk,
        "email": str(membership.user),
        "role": membership.role,
        "invited": not membership.user.has_usable_password(),
        "created_at": membership.created_at,
    }
