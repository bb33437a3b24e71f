"""Addresses at which a calendar program reads what will end, without a login."""

import uuid

from django.db import models

from sequin_admin.access.models.memberships import Membership
from sequin_admin.core import clock


class CalendarFeed(models.Model):
    """The address of one member's calendar of one organization. See `access.calendar_feeds`.

    Its token is shown once; the hash is stored. It ends with the membership.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    membership = models.OneToOneField(
        Membership, models.CASCADE, related_name="calendar_feed", editable=False
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    made_at = models.DateTimeField(default=clock.now, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    # How often it was read in the last minute in which it was.
    minute = models.PositiveBigIntegerField(default=0, editable=False)
    reads = models.PositiveIntegerField(default=0, editable=False)

    def __str__(self) -> str:
        return f"Calendar of {self.membership.user}"

    @property
    def organization_id(self) -> uuid.UUID:
        return self.membership.organization_id
