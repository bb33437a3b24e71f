"""Accesses of staff to one organization."""

import uuid
from datetime import datetime
from typing import Self

from django.db import models

from sequin_admin.access.models.organizations import Organization, OwnedQuerySet
from sequin_admin.access.models.users import User
from sequin_admin.access.policy import Role
from sequin_admin.core import clock


class StaffAccessQuerySet(OwnedQuerySet["StaffAccess"]):
    """Accesses of staff that are open, or of one person."""

    def open(self, at: datetime) -> Self:
        """Neither ended nor expired, of a person who is staff still."""
        return self.filter(
            ended_at=None, expires_at__gt=at, user__is_active=True, user__is_staff=True
        )

    def by(self, user: User) -> Self:
        return self.filter(user=user)


class StaffAccess(models.Model):
    """Access of a staff person to one organization for some hours ("break-glass").

    It gives the pages what a viewer sees or, with `may_edit`, what a member may do: never secrets,
    members or API keys. See `access.staff_access`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="staff_accesses")
    user = models.ForeignKey(User, models.CASCADE, related_name="staff_accesses")
    reason = models.CharField(max_length=500)
    may_edit = models.BooleanField(default=False)
    opened_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, editable=False)

    objects = StaffAccessQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "staff accesses"
        indexes = (models.Index(fields=("organization", "-opened_at"), name="staff_access_of"),)

    def __str__(self) -> str:
        return f"Staff access of {self.user} to {self.organization}"

    @property
    def role(self) -> Role:
        return Role.MEMBER if self.may_edit else Role.VIEWER

    @property
    def is_open(self) -> bool:
        return self.ended_at is None and self.expires_at > clock.now()
