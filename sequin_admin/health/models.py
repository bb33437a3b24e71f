"""What we know about the state of everything that is watched, and how it came about.

Rows name what they are about by `entity` and `entity_id`: health knows nothing of the packages
above it whose rows are watched as well.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any, Self, TypeVar

from django.db import models

from sequin_admin.access.models import Findable, Organization, User
from sequin_admin.core import clock
from sequin_admin.credentials.models import NAME_CHARS, Monitored
from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.health.status import Status

SENTENCE_CHARS = 500
# What ended by itself may begin again by itself: until then it is the same incident.
STEADY = timedelta(hours=1)

Row = TypeVar("Row", bound=models.Model)


class AboutQuerySet(Findable[Row]):
    def about(self, subject: Monitored) -> Self:
        return self.filter(entity=subject.entity, entity_id=subject.pk)


def naming(subject: Monitored) -> dict[str, Any]:
    """The columns by which a row says what it is about."""
    return {
        "organization_id": subject.organization_id,  # type: ignore[attr-defined]
        "provider": subject.provider,  # type: ignore[attr-defined]
        "entity": subject.entity,
        "entity_id": subject.pk,
        "name": str(subject)[:NAME_CHARS],
    }


class About(models.Model):
    """A row about one watched thing; `name` is what it was called at the time."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    provider = models.CharField(max_length=40, blank=True)
    entity = models.CharField(max_length=20)
    entity_id = models.UUIDField()
    name = models.CharField(max_length=NAME_CHARS)

    class Meta:
        abstract = True


class Check(About):
    """The latest result of one check, and since when it has been like that.

    `status` is what this check alone makes of its subject, "" as long as it can't tell. `times`
    counts equal results in a row, `flips` the changes that came within an hour of the one before.
    `evidence` is redacted: `{status, body, request_id}`.
    """

    check_name = models.CharField("check", max_length=40)
    status = models.CharField(max_length=24, blank=True)
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    code = models.CharField(max_length=60)
    message = models.CharField(max_length=SENTENCE_CHARS, blank=True)
    remedy = models.CharField(max_length=SENTENCE_CHARS, blank=True)
    evidence = models.JSONField(default=dict)
    first_seen_at = models.DateTimeField(default=clock.now)
    last_seen_at = models.DateTimeField(default=clock.now)
    times = models.PositiveIntegerField(default=0)
    flips = models.PositiveIntegerField(default=0)

    objects = AboutQuerySet["Check"].as_manager()

    class Meta:
        ordering = ("check_name",)
        constraints = (
            models.UniqueConstraint(fields=("entity_id", "check_name"), name="check_once"),
        )
        indexes = (models.Index(fields=("provider", "last_seen_at"), name="check_provider"),)

    def __str__(self) -> str:
        return f"{self.check_name}: {self.get_verdict_display()}"

    @property
    def sentence(self) -> str:
        """What happened and what to do; empty when all is well."""
        return "" if self.verdict == Verdict.OK else f"{self.message} {self.remedy}".strip()

    @property
    def title(self) -> str:
        return self.check_name.replace("_", " ").capitalize().replace("Oauth", "OAuth")


class Transition(About):
    """One change of status, with the sentence that explains it."""

    at = models.DateTimeField(default=clock.now)
    before = models.CharField(max_length=24, blank=True)
    after = models.CharField(max_length=24)
    code = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=SENTENCE_CHARS, blank=True)

    objects = AboutQuerySet["Transition"].as_manager()

    class Meta:
        ordering = ("-at", "-id")
        indexes = (
            models.Index(fields=("organization", "-at", "-id"), name="transition_newest"),
            models.Index(fields=("entity_id", "-at", "-id"), name="transition_subject"),
            models.Index(fields=("at",), name="transition_at"),
        )

    def __str__(self) -> str:
        return f"{self.before or 'new'} -> {self.after}"


class IncidentQuerySet(AboutQuerySet["Incident"]):
    def open(self) -> Self:
        return self.filter(resolved_at=None)

    def resolution_due(self, at: datetime, steady: timedelta) -> Self:
        """Resolved, told as open but not as over, and steady for long enough (or mended)."""
        over = models.Q(resolved_at__lte=at - steady) | models.Q(
            resolved_at__isnull=False, mended=True
        )
        return self.filter(over, told_at__isnull=False, over_told_at=None)


class Incident(About):
    """One cause of trouble: opened once, told once, resolved when the cause is gone.

    `status` says who must act; "" is nobody, for a provider that is down. `affected` counts what
    took the trouble over. `mended` tells that somebody's act ended it, not chance.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    status = models.CharField(max_length=24, blank=True, choices=Status.choices)
    code = models.CharField(max_length=60)
    message = models.CharField(max_length=SENTENCE_CHARS)
    opened_at = models.DateTimeField(default=clock.now)
    resolved_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=SENTENCE_CHARS, blank=True)
    mended = models.BooleanField(default=False)
    reopened = models.PositiveIntegerField(default=0)
    affected = models.PositiveIntegerField(default=0)
    told_at = models.DateTimeField(null=True)
    over_told_at = models.DateTimeField(null=True)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ("-opened_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("entity_id", "organization"),
                condition=models.Q(resolved_at=None),
                name="incident_open_once",
            ),
        )
        indexes = (
            models.Index(
                fields=("organization", "status", "-affected", "opened_at"),
                condition=models.Q(resolved_at=None),
                name="incident_queue",
            ),
            models.Index(fields=("organization", "-opened_at", "-id"), name="incident_newest"),
            models.Index(fields=("entity_id", "-opened_at"), name="incident_subject"),
            models.Index(fields=("resolved_at",), name="incident_resolved"),
        )

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"


class OutageQuerySet(models.QuerySet["Outage"]):
    def open(self) -> Self:
        return self.filter(cleared_at=None)


class Outage(models.Model):
    """A provider that is down for everybody: recognised by us, or declared by staff."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.CharField(max_length=40)
    opened_at = models.DateTimeField(default=clock.now)
    cleared_at = models.DateTimeField(null=True)
    declared_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    # Staff opened it, so only staff ends it.
    declared = models.BooleanField(default=False)
    message = models.CharField(max_length=SENTENCE_CHARS)

    objects = OutageQuerySet.as_manager()

    class Meta:
        ordering = ("-opened_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("provider",), condition=models.Q(cleared_at=None), name="outage_open_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.provider} since {self.opened_at:%Y-%m-%d %H:%M}"


class WorkerProcess(models.Model):
    """One running `manage.py worker`. It says that it lives; on an orderly end the row goes away.

    `jobs` is its tally: `{name: {"done", "failed", "ran_at", "error", "error_at"}}`. Here, since
    whether the worker works is health, and edges own no tables.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    hostname = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    threads = models.PositiveIntegerField()
    started_at = models.DateTimeField(default=clock.now)
    beat_at = models.DateTimeField(default=clock.now)
    stopping = models.BooleanField(default=False)
    jobs = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.hostname}:{self.pid}"
