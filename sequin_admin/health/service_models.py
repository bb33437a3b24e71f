"""The tables of Sequin Admin's own health: its faults, and its worker processes."""

import uuid

from django.db import models

from sequin_admin.core import clock


class ServiceIncident(models.Model):
    """A fault of Sequin Admin itself, for all organizations, open until it is gone."""

    code = models.CharField(max_length=60)
    opened_at = models.DateTimeField(default=clock.now)
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-opened_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("code",),
                condition=models.Q(resolved_at=None),
                name="service_incident_open_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.code} since {self.opened_at:%Y-%m-%d %H:%M}"


class WorkerProcess(models.Model):
    """One running `manage.py worker`, with its heartbeat; deleted on shutdown.

    `jobs` are its counts: `{name: {"done", "failed", "ran_at", "error", "error_at"}}`. The model is
    here as `worker` is an edge, and edges have no tables.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    hostname = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    threads = models.PositiveIntegerField()
    started_at = models.DateTimeField(default=clock.now)
    beat_at = models.DateTimeField(default=clock.now)
    stopping = models.BooleanField(default=False)
    jobs = models.JSONField(default=dict)
    # How far its machine's clock is ahead of the database's, in seconds.
    clock_ahead_s = models.FloatField(default=0.0)

    class Meta:
        verbose_name_plural = "worker processes"

    def __str__(self) -> str:
        return f"{self.hostname}:{self.pid}"

    @property
    def clock_note(self) -> str:
        """A sentence when its clock is wrong; else empty."""
        return clock.describe_offset(self.clock_ahead_s)
