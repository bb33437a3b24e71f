"""Memberships of users in organizations."""

from collections.abc import Mapping
from typing import ClassVar

from django.db import models

from sequin_admin.access.models.organizations import Findable, Organization
from sequin_admin.access.models.staff_accesses import StaffAccess
from sequin_admin.access.models.users import User
from sequin_admin.access.policy import Role
from sequin_admin.core import clock
from sequin_admin.core.search_language import Filter


class MembershipQuerySet(Findable["Membership"]):
    """Members, found by their address."""

    found_by = ("user__email",)
    search_filters: ClassVar[Mapping[str, Filter]] = {}


class Membership(models.Model):
    """A user's role in an organization.

    `staff_access` is set on the unsaved membership that stands for an open `StaffAccess`.
    """

    staff_access: StaffAccess | None = None

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "user"), name="membership_once"),
        )

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"
