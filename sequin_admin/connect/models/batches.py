"""Bulk actions."""

import uuid

from django.db import models

from sequin_admin.access.models import Organization, OwnedQuerySet, User
from sequin_admin.core import clock
from sequin_admin.core.leases import Leased
from sequin_admin.credentials.models import Credential


class BatchAction(models.TextChoices):
    """What is done for many credentials at once."""

    RECONNECT = "reconnect", "Create reconnect links"
    LIMIT = "limit", "Set a rate limit"


class Batch(Leased):
    """One bulk action. The worker does it piece by piece while `created_by` has the right to.

    `options` are of the action: `days` of the links, or a rate. `query` finds the list that it was
    started from. `withdrawn_at` says that it was stopped, and its open links are revoked. It has
    finished when nothing is left to do; `failure` says what kept it from the rest. `mail` says how
    its links are mailed to their contacts: `subject` and `text` (empty: the template's),
    `remind_hours`; None while nobody asked for that.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="batches")
    action = models.CharField(max_length=20, choices=BatchAction, editable=False)
    options = models.JSONField(default=dict, editable=False)
    query = models.TextField(blank=True, default="", editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="batches")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    withdrawn_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, editable=False)
    mail = models.JSONField(null=True, editable=False)
    mailed_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    finished_at = models.DateTimeField(null=True, editable=False)
    failure = models.CharField(max_length=500, blank=True, default="", editable=False)

    objects = OwnedQuerySet["Batch"].as_manager()

    class Meta:
        verbose_name_plural = "batches"
        indexes = (
            models.Index(
                fields=("created_at",), condition=models.Q(finished_at=None), name="batch_due"
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_action_display()} ({self.created_at:%Y-%m-%d %H:%M})"

    @property
    def makes_links(self) -> bool:
        return self.action == BatchAction.RECONNECT


class BatchItem(models.Model):
    """One credential of a batch. `reason` says why it was left out."""

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="items")
    credential = models.ForeignKey(Credential, models.CASCADE, related_name="+")
    done_at = models.DateTimeField(null=True, editable=False)
    reason = models.CharField(max_length=500, blank=True, default="", editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("batch", "credential"), name="batch_item_once"),
        )
        indexes = (models.Index(fields=("batch", "done_at", "id"), name="batch_item_next"),)

    def __str__(self) -> str:
        return f"{self.credential} of {self.batch}"
