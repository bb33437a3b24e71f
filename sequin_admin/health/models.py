"""Checks, transitions, incidents, outages and worker processes.

Rows refer to their subject by `entity` and `entity_id` instead of a foreign key, as packages above
health have monitored models too.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any, Self, TypeVar

from django.db import models

from sequin_admin.access.models import Findable, Organization, User
from sequin_admin.core import clock
from sequin_admin.core.monitored import Monitored
from sequin_admin.core.words import write_abbreviations
from sequin_admin.credentials.models import NAME_CHARS
from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.health.cause_models import SENTENCE_CHARS, Cause, CauseNote, CauseQuerySet
from sequin_admin.health.expiry_notices import ExpiryNotice
from sequin_admin.health.service_models import ServiceIncident, WorkerProcess
from sequin_admin.health.status import Status

__all__ = [
    "SENTENCE_CHARS",
    "Cause",
    "CauseNote",
    "CauseQuerySet",
    "Check",
    "ExpiryNotice",
    "Incident",
    "Outage",
    "OutageQuerySet",
    "ServiceIncident",
    "SubjectRecord",
    "Transition",
    "WorkerProcess",
    "subject_columns",
]

# An incident that ended by itself is reopened when the same fault returns within this time.
REOPEN_WITHIN = timedelta(hours=1)

Row = TypeVar("Row", bound=models.Model)


class SubjectQuerySet(Findable[Row]):
    """Rows about a monitored row."""

    def about(self, subject: Monitored) -> Self:
        return self.filter(entity=subject.entity, entity_id=subject.pk)


def subject_columns(subject: Monitored) -> dict[str, Any]:
    """The column values of a `SubjectRecord` about this subject."""
    return {
        "organization_id": subject.organization_id,
        "provider": subject.provider,  # type: ignore[attr-defined]
        "entity": subject.entity,
        "entity_id": subject.pk,
        "name": str(subject)[:NAME_CHARS],
    }


class SubjectRecord(models.Model):
    """A row about one monitored subject; `name` is the subject's name at the time."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    provider = models.CharField(max_length=40, blank=True)
    entity = models.CharField(max_length=20)
    entity_id = models.UUIDField()
    name = models.CharField(max_length=NAME_CHARS)

    class Meta:
        abstract = True


class Check(SubjectRecord):
    """The latest result of one check of a subject, and since when it is the same.

    `status` is the subject's status by this check alone, "" while unknown. `times` counts equal
    results in a row, `flips` consecutive changes within `FLAP_WINDOW` of each other. `evidence` is
    redacted: `{status, body, request_id}`.
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

    objects = SubjectQuerySet["Check"].as_manager()

    class Meta:
        ordering = ("check_name",)
        constraints = (
            models.UniqueConstraint(fields=("entity_id", "check_name"), name="check_once"),
        )
        indexes = (
            models.Index(fields=("provider", "last_seen_at"), name="check_provider"),
            models.Index(
                fields=("last_seen_at",),
                condition=models.Q(verdict="transient"),
                name="check_transient",
            ),
        )

    def __str__(self) -> str:
        return f"{self.check_name}: {self.get_verdict_display()}"

    @property
    def sentence(self) -> str:
        """What happened and what to do; empty when the check passed."""
        return "" if self.verdict == Verdict.OK else f"{self.message} {self.remedy}".strip()

    @property
    def title(self) -> str:
        return write_abbreviations(self.check_name.replace("_", " ").capitalize())


class Transition(SubjectRecord):
    """One change of a subject's status, with the sentence that explains it."""

    at = models.DateTimeField(default=clock.now)
    before = models.CharField(max_length=24, blank=True)
    after = models.CharField(max_length=24)
    code = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=SENTENCE_CHARS, blank=True)

    objects = SubjectQuerySet["Transition"].as_manager()

    class Meta:
        ordering = ("-at", "-id")
        indexes = (
            models.Index(fields=("organization", "-at", "-id"), name="transition_newest"),
            models.Index(fields=("entity_id", "-at", "-id"), name="transition_subject"),
            models.Index(fields=("at",), name="transition_at"),
        )

    def __str__(self) -> str:
        return f"{self.before or 'new'} -> {self.after}"


class IncidentQuerySet(SubjectQuerySet["Incident"]):
    """Incidents by state, and those whose messages are due."""

    def open(self) -> Self:
        return self.filter(resolved_at=None)

    def resolution_due(self, at: datetime, steady: timedelta) -> Self:
        """Incidents to notify as resolved: `mended`, or resolved for at least `steady`."""
        over = models.Q(resolved_at__lte=at - steady) | models.Q(mended=True)
        not_told = self.filter(resolved_at__isnull=False, told_at__isnull=False, over_told_at=None)
        return not_told.filter(over)


class Incident(SubjectRecord):
    """One fault of a subject, open until it is gone, with one message when it opens and one after.

    `status` says who must act; "" is nobody, for a provider outage. `affected` counts the rows that
    depend on the subject. `mended` says that somebody fixed it; otherwise it ended by itself.
    `told_at` and `over_told_at` are when the two messages to programs were posted; people are
    notified of its `cause`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Only what a process of an earlier version has opened has none yet.
    cause = models.ForeignKey(
        Cause, models.CASCADE, null=True, related_name="incidents", db_index=False
    )
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
            models.Index(fields=("cause", "-opened_at", "-id"), name="incident_cause"),
            models.Index(
                fields=("cause", "-opened_at", "-id"),
                condition=models.Q(resolved_at=None),
                name="incident_cause_open",
            ),
            models.Index(
                fields=("organization",),
                condition=models.Q(cause=None),
                name="incident_no_cause",
            ),
            models.Index(fields=("entity_id", "-opened_at"), name="incident_subject"),
            models.Index(fields=("resolved_at",), name="incident_resolved"),
            models.Index(
                fields=("resolved_at",),
                condition=models.Q(
                    resolved_at__isnull=False, told_at__isnull=False, over_told_at=None
                ),
                name="incident_over_not_told",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"


class OutageQuerySet(models.QuerySet["Outage"]):
    """Outages that last."""

    def open(self) -> Self:
        return self.filter(cleared_at=None)


class Outage(models.Model):
    """An outage of a provider, for all organizations: detected, or declared by staff."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.CharField(max_length=40)
    opened_at = models.DateTimeField(default=clock.now)
    cleared_at = models.DateTimeField(null=True)
    declared_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    # Declared by staff, so only staff clears it.
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
