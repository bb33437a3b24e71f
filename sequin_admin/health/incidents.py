"""One cause of trouble is one incident: opened, taken up again when it comes back, resolved."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.apps import apps
from django.db import models
from django.db.models.signals import post_delete

from sequin_admin.core import clock
from sequin_admin.credentials.models import Monitored
from sequin_admin.credentials.signals import disabled
from sequin_admin.health import alerts
from sequin_admin.health.models import STEADY, Check, Incident, Transition, naming
from sequin_admin.health.status import LONG_AGO, Reason

KEPT = timedelta(days=90)


def update_incidents(troubles: Sequence[tuple[Monitored, Reason | None]], *, at: datetime) -> None:
    """Bring the incidents of some subjects up to date with each one's own trouble, or its lack."""
    ids = [subject.pk for subject, _ in troubles]
    open_ones = {row.entity_id: row for row in Incident.objects.open().filter(entity_id__in=ids)}
    for subject, trouble in troubles:
        incident = open_ones.get(subject.pk)
        trouble = None if subject.is_disabled() else trouble
        if incident and (trouble is None or trouble.status != incident.status):
            resolve(incident, subject, at=at)
            incident = None
        if trouble and incident is None:
            open_incident(subject, trouble, at=at)
        elif trouble and incident and trouble.sentence != incident.message:
            incident.code, incident.message = trouble.code, trouble.sentence
            incident.save(update_fields=["code", "message"])


def open_incident(subject: Monitored, trouble: Reason, *, at: datetime) -> Incident:
    """A new incident, or the last one anew when the same came back before it was over for good."""
    last = Incident.objects.about(subject).first()
    if last and last.status == trouble.status and not last.mended and at < over_for_good(last):
        last.resolved_at, last.resolution, last.reopened = None, "", last.reopened + 1
        last.code, last.message = trouble.code, trouble.sentence
        last.save()
        return last
    incident = Incident.objects.create(
        **naming(subject),
        status=trouble.status,
        code=trouble.code,
        message=trouble.sentence,
        opened_at=at,
    )
    alerts.notify_opened(incident, subject)
    return incident


def over_for_good(incident: Incident) -> datetime:
    return incident.resolved_at + STEADY if incident.resolved_at else LONG_AGO


def resolve(incident: Incident, subject: Monitored | None, *, at: datetime) -> None:
    """The cause is gone: by somebody's act since it began, or by itself."""
    last_fixed_at = (subject and subject.last_fixed_at()) or LONG_AGO
    incident.mended = subject is None or subject.is_disabled() or last_fixed_at > incident.opened_at
    incident.resolved_at = at
    incident.resolution = resolution(incident, subject)
    incident.save(update_fields=["mended", "resolved_at", "resolution"])


def resolution(incident: Incident, subject: Monitored | None) -> str:
    if subject is None:
        return "It was deleted."
    if subject.is_disabled():
        return "It was disabled."
    return "Its secret was replaced." if incident.mended else "It works again by itself."


def connect_signals() -> None:
    """Nobody has to act any more for what was deleted or put aside."""
    disabled.connect(resolve_on_disable)
    for model in filter(lambda model: issubclass(model, Monitored), apps.get_models()):
        post_delete.connect(resolve_on_delete, sender=model)


def resolve_on_disable(subject: Monitored, **signal: object) -> None:
    for incident in Incident.objects.about(subject).open():
        resolve(incident, subject, at=clock.now())


def resolve_on_delete(instance: Monitored, **signal: object) -> None:
    """Its history stays until it is old; what it is like now is over."""
    Check.objects.about(instance).delete()
    for incident in Incident.objects.about(instance).open():
        resolve(incident, None, at=clock.now())


def prune() -> int:
    """Forget history that is older than `KEPT`. Open incidents stay, however old."""
    before = clock.now() - KEPT
    old: list[models.QuerySet[models.Model]] = [
        Incident.objects.filter(resolved_at__lt=before),
        Transition.objects.filter(at__lt=before),
    ]
    return sum(rows.delete()[0] for rows in old)
