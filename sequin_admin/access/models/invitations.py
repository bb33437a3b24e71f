"""Invitations to an organization and their states."""

import uuid
from datetime import datetime
from typing import Self

from django.db import models

from sequin_admin.access.models.organizations import Organization, OwnedQuerySet
from sequin_admin.access.models.users import User
from sequin_admin.access.policy import Role
from sequin_admin.core import clock


class InvitationState(models.TextChoices):
    """State of an open invitation at some time."""

    PENDING = "pending", "Pending"
    EXPIRED = "expired", "Expired"

    @property
    def tone(self) -> str:
        return "warn" if self == InvitationState.EXPIRED else "idle"

    @property
    def icon(self) -> str:
        return "clock" if self == InvitationState.EXPIRED else "envelope"


class InvitationQuerySet(OwnedQuerySet["Invitation"]):
    """Invitations by whether they can be accepted."""

    def open(self) -> Self:
        """Neither accepted nor withdrawn; the token may have expired."""
        return self.filter(accepted_at=None, withdrawn_at=None)

    def acceptable(self, at: datetime) -> Self:
        return self.open().filter(expires_at__gt=at)


class Invitation(models.Model):
    """An invitation of an address to become a member. See `access.invitations`.

    The token is mailed; its hash is stored. Without `invited_by` it was made on the command line.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(
        User, models.CASCADE, null=True, related_name="sent_invitations", editable=False
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    sent_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)
    withdrawn_at = models.DateTimeField(null=True, editable=False)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "email"),
                condition=models.Q(accepted_at=None, withdrawn_at=None),
                name="invitation_once",
            ),
        )

    def __str__(self) -> str:
        return self.email

    @property
    def state(self) -> InvitationState:
        """Of an open invitation."""
        expired = self.expires_at <= clock.now()
        return InvitationState.EXPIRED if expired else InvitationState.PENDING
