"""What a connected account holds, as it was read last."""

from django.db import models

from sequin_admin.core import clock
from sequin_admin.core.leases import Leased
from sequin_admin.core.turns import QUEUE_CHARS
from sequin_admin.credentials.models import Credential


class Collection(models.Model):
    """A collection in a credential's account, such as `stripe:customer` or an Airtable table."""

    credential = models.ForeignKey(Credential, models.CASCADE, related_name="stored_collections")
    collection_id = models.CharField(max_length=300)
    upstream_id = models.CharField(max_length=250)
    name = models.CharField(max_length=250)
    fields = models.JSONField(default=list)
    upstream_metadata = models.JSONField(default=dict)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("credential", "collection_id"), name="collection_once"),
        )

    def __str__(self) -> str:
        return self.collection_id


class Refresh(Leased):
    """The latest refresh of a credential's collections. A worker leases it, in its turn in the
    `queue` of the credential."""

    class Status(models.TextChoices):
        """How far a refresh has come."""

        PROCESSING = "processing", "Under way"
        SUCCEEDED = "succeeded", "Done"
        FAILED = "failed", "Failed"

    credential = models.OneToOneField(
        Credential, models.CASCADE, primary_key=True, related_name="collections_refresh"
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PROCESSING)
    queue = models.CharField(max_length=QUEUE_CHARS, default="", editable=False)
    last_started_at = models.DateTimeField(default=clock.now)
    last_succeeded_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=60, blank=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name_plural = "refreshes"
        indexes = (
            models.Index(fields=("status", "lease_until"), name="refresh_waiting"),
            models.Index(
                fields=("queue",),
                name="refresh_queue",
                condition=models.Q(status="processing"),
            ),
        )

    def __str__(self) -> str:
        return f"collections of {self.credential_id}: {self.status}"
