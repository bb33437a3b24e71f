"""Organizations that end, from when an owner asked until nothing is left of them."""

import uuid

from django.db import models

from sequin_admin.core import clock
from sequin_admin.core.leases import Leased


class EndingStep(models.TextChoices):
    """How far the end of an organization has come."""

    WAITING = "waiting", "Waits; can be undone"
    RETURNING = "returning", "Access is given back at the providers"
    ERASING = "erasing", "Its rows are erased"
    CLOSING = "closing", "Its audit log is erased"


class OrganizationEnding(Leased):
    """The end of one organization. No foreign key: it outlives the row, and goes with the log.

    `reach` says how much of what there was when the erasure began, by noun, and `returned` how
    access was given back, by provider.
    """

    organization_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    asked_by = models.CharField(max_length=40, blank=True, default="")
    asked_at = models.DateTimeField(default=clock.now, editable=False)
    ends_at = models.DateTimeField()
    # When its owners were mailed once more, a day before, and how many were, and who was not.
    reminded_at = models.DateTimeField(null=True, editable=False)
    # Empty in rows that a process of an earlier version writes during an update.
    reminders = models.JSONField(null=True, editable=False)
    # Since when none of them could be, while that is tried.
    unmailed_since = models.DateTimeField(null=True, editable=False)
    step = models.CharField(
        max_length=10, choices=EndingStep.choices, default=EndingStep.WAITING, editable=False
    )
    began_at = models.DateTimeField(null=True, editable=False)
    due_at = models.DateTimeField(db_index=True, editable=False)
    reach = models.JSONField(default=dict, editable=False)
    returned = models.JSONField(default=dict, editable=False)

    def __str__(self) -> str:
        return f"End of {self.name}"
