"""Runs: one worker reads one sync for one consumer, under a lease."""

import uuid
from datetime import UTC, datetime

from django.db import models

from sequin_admin.access.models import ApiKey, Organization, OwnedQuerySet
from sequin_admin.core import clock
from sequin_admin.core.leases import Leased
from sequin_admin.syncs.models.pipeline import Consumer, Sync, Target

COLLECTION_ID_CHARS = 300
WAITING_CHARS = 10


def iso_time(at: datetime) -> str:
    """A time in the JSON of a run: RFC 3339 in UTC, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class RunStatus(models.TextChoices):
    """How far a run has come."""

    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    LOST = "lost", "Lost"
    CANCELLED = "cancelled", "Cancelled"

    @property
    def tone(self) -> str:
        return {"succeeded": "good", "failed": "bad", "lost": "warn"}.get(self, "idle")

    @property
    def icon(self) -> str:
        """A heroicon's name."""
        icons = {"running": "arrow-path", "succeeded": "check-circle", "cancelled": "no-symbol"}
        return icons.get(self, "exclamation-triangle")


class DeleteMethod(models.TextChoices):
    """How a worker finds rows that were deleted at the source."""

    FEED = "feed", "The provider's feed of changes"
    ARCHIVED_LIST = "archived_list", "The provider's list of archived rows"
    SWEEP = "sweep", "A full pass: what was not seen is gone"
    NONE = "none", "Not at all"


class RunWait(models.TextChoices):
    """What a run waits for."""

    PERMIT = "permit", "A permit of the rate limit"
    TARGET = "target", "The target"
    SOURCE = "source", "The provider"


class RunSlot(Leased):
    """A pair of sync and consumer: the lease that lets one run at a time work on it, and when the
    next one is due.

    `failures` in a row delay it; `faults` are those of them for which somebody must act.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="run_slots")
    sync = models.ForeignKey(Sync, models.CASCADE, related_name="run_slots")
    consumer = models.ForeignKey(Consumer, models.CASCADE, related_name="run_slots")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    due_at = models.DateTimeField(default=clock.now, editable=False)
    last_started_at = models.DateTimeField(null=True, editable=False)
    last_succeeded_at = models.DateTimeField(null=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    faults = models.PositiveIntegerField(default=0, editable=False)
    # Set after too many faults in a row, until somebody lets it run again.
    stopped_at = models.DateTimeField(null=True, editable=False)
    stop_sentence = models.CharField(max_length=500, blank=True, default="", editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("sync", "consumer"), name="run_slot_once"),)
        indexes = (
            models.Index(fields=("organization", "due_at"), name="run_slot_due"),
            models.Index(
                fields=("lease_until",),
                name="run_slot_held",
                condition=models.Q(lease_until__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.sync_id} for {self.consumer_id}"


class CollectionState(models.Model):
    """How far a pair of sync and consumer has read one collection.

    A resync begins another `generation`, which a worker fills beside the one that readers see,
    `swap_from`; NULL when there is one generation. `rows_seen` is how many rows the full pass
    under way saw, `rows_known` how many the last complete one did. `deletes_held` is how many rows
    a sweep would delete that waits for a person, `emptied_from` how many there were before a full
    pass that saw none.
    """

    slot = models.ForeignKey(RunSlot, models.CASCADE, related_name="collections")
    collection_id = models.CharField(max_length=COLLECTION_ID_CHARS)
    generation = models.PositiveIntegerField(default=1)
    swap_from = models.PositiveIntegerField(null=True)
    cursor = models.JSONField(null=True)
    # Of the run that moved the cursor last.
    cursor_fence = models.PositiveIntegerField(default=0)
    rows_read = models.PositiveBigIntegerField(default=0)
    rows_written = models.PositiveBigIntegerField(default=0)
    rows_deleted = models.PositiveBigIntegerField(default=0)
    lag_s = models.FloatField(null=True)
    deletes = models.CharField(
        max_length=13, choices=DeleteMethod.choices, default=DeleteMethod.NONE
    )
    completed_at = models.DateTimeField(null=True)
    rows_seen = models.PositiveBigIntegerField(null=True)
    rows_known = models.PositiveBigIntegerField(null=True)
    deletes_held = models.PositiveBigIntegerField(null=True)
    deletes_confirmed_at = models.DateTimeField(null=True)
    emptied_from = models.PositiveBigIntegerField(null=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("slot", "collection_id"), name="collection_state_once"),
        )

    def __str__(self) -> str:
        return f"{self.collection_id} of {self.slot_id}"


class RunQuerySet(OwnedQuerySet["Run"]):
    """Runs of an organization."""

    def running(self) -> "RunQuerySet":
        return self.filter(status=RunStatus.RUNNING)


class Run(models.Model):
    """One run of a sync for a consumer, with its progress. A report without a run is one, too: it
    has no consumer and no slot.

    `fence` is that of the slot's lease while this run holds it. `collections` has the progress of
    each collection, as the API shows it; `log` its last lines, redacted.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="runs")
    sync = models.ForeignKey(Sync, models.CASCADE, related_name="runs")
    consumer = models.ForeignKey(Consumer, models.SET_NULL, null=True, related_name="runs")
    target = models.ForeignKey(Target, models.SET_NULL, null=True, related_name="runs")
    slot = models.ForeignKey(RunSlot, models.SET_NULL, null=True, related_name="runs")
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, related_name="runs")
    fence = models.PositiveIntegerField(default=0)
    status = models.CharField(
        max_length=9, choices=RunStatus.choices, default=RunStatus.RUNNING, editable=False
    )
    started_at = models.DateTimeField(default=clock.now, editable=False)
    last_report_at = models.DateTimeField(null=True, editable=False)
    # When a report said more than that the worker is there.
    last_progress_at = models.DateTimeField(null=True, editable=False)
    lease_s = models.PositiveIntegerField(default=60, editable=False)
    held_until = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    rows_read = models.PositiveBigIntegerField(default=0, editable=False)
    rows_written = models.PositiveBigIntegerField(default=0, editable=False)
    rows_deleted = models.PositiveBigIntegerField(default=0, editable=False)
    lag_s = models.FloatField(null=True, editable=False)
    collections = models.JSONField(default=list, editable=False)
    waiting = models.CharField(
        max_length=WAITING_CHARS, choices=RunWait.choices, blank=True, default="", editable=False
    )
    waiting_since = models.DateTimeField(null=True, editable=False)
    error = models.JSONField(null=True, editable=False)
    log = models.JSONField(default=list, editable=False)
    cancel_requested_at = models.DateTimeField(null=True, editable=False)
    # What its worker should know besides, as the API shows it.
    requests = models.JSONField(default=list, editable=False)
    # When secrets were read for it, which is audited once.
    token_read_at = models.DateTimeField(null=True, editable=False)
    target_read_at = models.DateTimeField(null=True, editable=False)

    objects = RunQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(fields=("organization", "-started_at", "-id"), name="run_newest"),
            models.Index(fields=("sync", "-started_at"), name="run_of_sync"),
            models.Index(fields=("ended_at",), name="run_ended"),
            models.Index(
                fields=("ended_at",),
                name="run_idle",
                condition=models.Q(status="succeeded", rows_read=0, rows_written=0, rows_deleted=0),
            ),
            models.Index(
                fields=("api_key", "sync"),
                name="run_held",
                condition=models.Q(status="running"),
            ),
        )

    def __str__(self) -> str:
        return f"Run {str(self.pk)[:8]}"

    def is_running(self) -> bool:
        return self.status == RunStatus.RUNNING
