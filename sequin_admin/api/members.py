"""/v1/members: the members of the API key's organization.

Read-only: changing them is the owners' right on the pages, and a key has no role.
"""

from typing import Any

from ninja import Query
from pydantic import Field

from sequin_admin.access.models import Membership, Scope
from sequin_admin.access.policy import Role
from sequin_admin.api.framework.auth import ApiRequest, require_scope
from sequin_admin.api.framework.errors import ERRORS
from sequin_admin.api.framework.pagination import Creation, PageParams, paginate_request
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.rows import get_or_404
from sequin_admin.api.framework.schemas import Shape, Timestamp

router = Resource("Organization")


class MemberShape(Shape):
    """A member, or somebody who is `invited` and has not accepted yet."""

    id: int
    email: str = Field(examples=["paul@arrakis.example"])
    role: Role
    invited: bool = Field(
        description="Has no password yet. Who is invited becomes a member by accepting."
    )
    created_at: Timestamp


class MemberList(Shape):
    """A page of members and invitations."""

    data: list[MemberShape]
    next_cursor: str | None


class MemberFilters(PageParams):
    """Query parameters of the list of members."""

    equal = ("role",)

    sort: Creation = "-created_at"
    role: Role | None = None


@router.get("", response={200: MemberList, **ERRORS})
def list_members(request: ApiRequest, filters: Query[MemberFilters]) -> dict[str, Any]:
    """Newest first unless sorted otherwise. To add, change or remove people an owner signs in: a
    key has no role, and one that could make owners would be worth more than any scope says."""
    rows = Membership.objects.of(require_scope(request, Scope.READ)).select_related("user")
    page, following = paginate_request(request, filters, rows)
    return {"data": [member_out(row) for row in page], "next_cursor": following}


@router.get("/{member_id}", response={200: MemberShape, **ERRORS})
def get_member(request: ApiRequest, member_id: int) -> dict[str, Any]:
    """One person and their role here."""
    rows = Membership.objects.of(require_scope(request, Scope.READ)).select_related("user")
    return member_out(get_or_404(rows, member_id, "member"))


def member_out(membership: Membership) -> dict[str, Any]:
    return {
        "id": membership.pk,
        "email": str(membership.user),
        "role": membership.role,
        "invited": not membership.user.has_usable_password(),
        "created_at": membership.created_at,
    }
