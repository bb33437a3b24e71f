"""Opening, reopening and resolving incidents: one for each fault of a subject."""

from collections.abc import Sequence
from datetime import datetime

from django.apps import apps
from django.db import models
from django.db.models.signals import post_delete

from sequin_admin.core import clock, pruning
from sequin_admin.core.monitored import Monitored
from sequin_admin.credentials.signals import disabled
from sequin_admin.health import alerts
from sequin_admin.health.models import (
    REOPEN_WITHIN,
    Check,
    Incident,
    Outage,
    ServiceIncident,
    Transition,
    subject_columns,
)
from sequin_admin.health.status import LONG_AGO, Reason


def update_incidents(troubles: Sequence[tuple[Monitored, Reason | None]], *, at: datetime) -> None:
    """Open, change or resolve the incidents of subjects, by each one's own reason or None."""
    ids = [subject.pk for subject, _ in troubles]
    known = {row.entity_id: row for row in Incident.objects.open().filter(entity_id__in=ids)}
    for subject, trouble in troubles:
        incident = known.get(subject.pk)
        trouble = None if subject.is_disabled() else trouble
        if incident and (trouble is None or trouble.status != incident.status):
            resolve_incident(incident, subject, at=at)
            incident = None
        if trouble and incident is None:
            open_incident(subject, trouble, at=at)
        elif trouble and incident and trouble.sentence != incident.message:
            incident.code, incident.message = trouble.code, trouble.sentence
            incident.save(update_fields=["code", "message"])


def open_incident(subject: Monitored, trouble: Reason, *, at: datetime) -> Incident:
    """Create an incident, or reopen the last one within `REOPEN_WITHIN` of its end by itself."""
    last = Incident.objects.about(subject).first()
    if last and last.status == trouble.status and not last.mended and at < reopen_deadline(last):
        last.resolved_at, last.resolution, last.reopened = None, "", last.reopened + 1
        last.code, last.message = trouble.code, trouble.sentence
        last.save()
        return last
    incident = Incident.objects.create(
        **subject_columns(subject),
        status=trouble.status,
        code=trouble.code,
        message=trouble.sentence,
        opened_at=at,
    )
    alerts.notify_opened(incident, subject)
    return incident


def reopen_deadline(incident: Incident) -> datetime:
    return incident.resolved_at + REOPEN_WITHIN if incident.resolved_at else LONG_AGO


def resolve_incident(incident: Incident, subject: Monitored | None, *, at: datetime) -> None:
    """Close an incident as fixed (`mended`) or as over by itself. No `subject`: it was deleted."""
    last_fixed_at = (subject and subject.last_fixed_at()) or LONG_AGO
    incident.mended = subject is None or subject.is_disabled() or last_fixed_at > incident.opened_at
    incident.resolved_at = at
    incident.resolution = resolution_text(incident, subject)
    incident.save(update_fields=["mended", "resolved_at", "resolution"])


def resolution_text(incident: Incident, subject: Monitored | None) -> str:
    if subject is None:
        return "It was deleted."
    if subject.is_disabled():
        return "It was disabled."
    return "Its secret was replaced." if incident.mended else "It works again by itself."


def connect_signals() -> None:
    """Resolve incidents of monitored rows that are disabled or deleted."""
    disabled.connect(resolve_on_disable)
    for model in filter(lambda model: issubclass(model, Monitored), apps.get_models()):
        post_delete.connect(resolve_on_delete, sender=model)


def resolve_on_disable(subject: Monitored, **signal: object) -> None:
    for incident in Incident.objects.about(subject).open():
        resolve_incident(incident, subject, at=clock.now())


def resolve_on_delete(instance: Monitored, **signal: object) -> None:
    """Delete the checks of a deleted row and resolve its incidents. Its history is kept."""
    Check.objects.about(instance).delete()
    for incident in Incident.objects.about(instance).open():
        resolve_incident(incident, None, at=clock.now())


def prune() -> int:
    """Delete old history, except what is open. Returns how many rows."""
    ends: tuple[tuple[type[models.Model], str], ...] = (
        (Incident, "resolved_at"),
        (Transition, "at"),
        (Outage, "cleared_at"),
        (ServiceIncident, "resolved_at"),
    )
    before = pruning.cutoff("KEEP_HISTORY_DAYS")
    return sum(
        pruning.prune(model._base_manager.filter(**{f"{end}__lt": before}), by=end)
        for model, end in ends
    )
