"""Opening, reopening and resolving incidents: one for each fault of a subject.

Many at once cost the same few statements. What each is grouped to says `causes`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.apps import apps
from django.db import models, transaction
from django.db.models.signals import post_delete

from sequin_admin.access.models import Membership
from sequin_admin.core import clock, pruning
from sequin_admin.core.monitored import Monitored
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.signals import disabled
from sequin_admin.health import alerts, cause_verbs, one_subject
from sequin_admin.health.cause_models import fault_code
from sequin_admin.health.causes import LockedCauses
from sequin_admin.health.models import (
    REOPEN_WITHIN,
    Cause,
    Check,
    Incident,
    Outage,
    ServiceIncident,
    Transition,
    subject_columns,
)
from sequin_admin.health.status import LONG_AGO, Reason

# An incident and its subject, None when that was deleted.
Ending = tuple[Incident, Monitored | None]
# The code of a check that passes, as of what works and fails by turns.
OK_CODE = outcomes.works().code
FAULT_COLUMNS = ("cause", "code", "message")


class IncidentChanges:
    """What the troubles of subjects change about their incidents, all of one moment."""

    def __init__(self, *, at: datetime) -> None:
        self.at = at
        self.ending: list[Ending] = []
        self.reworded: list[tuple[Incident, Reason]] = []
        self.beginning: list[tuple[Monitored, Reason]] = []

    def add(self, incident: Incident | None, subject: Monitored, trouble: Reason | None) -> None:
        trouble = None if subject.is_disabled() else trouble
        if incident and (trouble is None or trouble.status != incident.status):
            self.ending.append((incident, subject))
            incident = None
        if trouble and incident is None:
            self.beginning.append((subject, trouble))
        elif trouble and incident and trouble.sentence != incident.message:
            self.reworded.append((incident, trouble))

    def store(self) -> None:
        """Reword, resolve, reopen and open, in that order, with the causes locked."""
        if not (self.ending or self.reworded or self.beginning):
            return
        reopened = self.reopen_recent()
        opened = [build_incident(subject, why, self.at) for subject, why in self.beginning]
        moved = [row for row, why in self.reworded if is_other_fault(row, why)]
        known = [row.cause_id for row, _ in (*self.ending, *self.reworded)]
        known += [row.cause_id for row in reopened]
        for incident, why in self.reworded:
            restate(incident, why)
        regrouped = [row for row in reopened if row.cause_id is None]
        locked = LockedCauses([*opened, *moved, *regrouped], known, at=self.at)
        for incident in moved:
            locked.leave(incident)
            incident.cause = None
        for incident in (*moved, *reopened, *opened):
            locked.join(incident)
        resolve_incidents(self.ending, locked)
        for incident, _ in self.reworded:
            locked.reword(incident)
        Incident.objects.bulk_update([row for row, _ in self.reworded], FAULT_COLUMNS)
        columns = (*FAULT_COLUMNS, "resolved_at", "resolution", "reopened")
        Incident.objects.bulk_update(reopened, columns)
        locked.save()
        create_incidents(opened, [subject for subject, _ in self.beginning])

    def reopen_recent(self) -> list[Incident]:
        """Take the subjects out of `beginning` whose last incident ended by itself within
        `REOPEN_WITHIN`. Returns these incidents, open again."""
        ended = {incident.entity_id for incident, _ in self.ending}
        ids = [subject.pk for subject, _ in self.beginning if subject.pk not in ended]
        rows = Incident.objects.filter(
            entity_id__in=ids, resolved_at__gt=self.at - REOPEN_WITHIN
        ).order_by("opened_at", "pk")
        last = {row.entity_id: row for row in rows} if ids else {}
        reopened, beginning = [], []
        for subject, why in self.beginning:
            row = last.get(subject.pk)
            if row and row.status == why.status and not row.mended:
                row.resolved_at, row.resolution, row.reopened = None, "", row.reopened + 1
                if is_other_fault(row, why):
                    row.cause = None
                restate(row, why)
                reopened.append(row)
            else:
                beginning.append((subject, why))
        self.beginning = beginning
        return reopened


def update_incidents(troubles: Sequence[tuple[Monitored, Reason | None]], *, at: datetime) -> None:
    """Open, change or resolve the incidents of subjects, by each one's own reason or None."""
    ids = [subject.pk for subject, _ in troubles]
    open_rows: Iterable[Incident] = (
        one_subject.OPEN_INCIDENTS.all(pk=ids[0])
        if len(ids) == 1
        else Incident.objects.open().filter(entity_id__in=ids)
    )
    known = {row.entity_id: row for row in open_rows}
    changes = IncidentChanges(at=at)
    for subject, trouble in troubles:
        changes.add(known.get(subject.pk), subject, trouble)
    changes.store()


def is_other_fault(incident: Incident, trouble: Reason) -> bool:
    """Whether it is no longer of its cause. What works and fails by turns is the same fault."""
    return trouble.code != OK_CODE and fault_code(incident.code) != fault_code(trouble.code)


def restate(incident: Incident, trouble: Reason) -> None:
    incident.message = trouble.sentence
    if trouble.code != OK_CODE:
        incident.code = trouble.code


def build_incident(subject: Monitored, trouble: Reason, at: datetime) -> Incident:
    return Incident(
        **subject_columns(subject),
        status=trouble.status,
        code=trouble.code,
        message=trouble.sentence,
        opened_at=at,
        told_at=at,
    )


def open_incidents(
    incidents: Sequence[Incident], subjects: Sequence[Monitored | None], *, at: datetime
) -> None:
    """Group, store and post incidents that are new."""
    locked = LockedCauses(incidents, [], at=at)
    for incident in incidents:
        locked.join(incident)
    locked.save()
    create_incidents(incidents, subjects)


def create_incidents(incidents: Sequence[Incident], subjects: Sequence[Monitored | None]) -> None:
    Incident.objects.bulk_create(incidents)
    alerts.post_opened(incidents, subjects)


def resolve_incidents(ending: Sequence[Ending], locked: LockedCauses) -> None:
    """Close incidents as fixed (`mended`) or as over by themselves."""
    for incident, subject in ending:
        last_fixed_at = (subject and subject.last_fixed_at()) or LONG_AGO
        gone = subject is None or subject.is_disabled()
        incident.mended = gone or last_fixed_at > incident.opened_at
        incident.resolution = resolution_text(incident, subject)
    save_resolved([incident for incident, _ in ending], locked)


def save_resolved(incidents: Sequence[Incident], locked: LockedCauses) -> None:
    """Store `mended` and `resolution` of incidents that end now."""
    alike = defaultdict[tuple[bool, str], list[UUID]](list)
    for incident in incidents:
        alike[incident.mended, incident.resolution].append(incident.pk)
        locked.leave(incident)
    for (mended, resolution), ids in alike.items():
        rows = Incident.objects.filter(pk__in=ids)
        rows.update(mended=mended, resolution=resolution, resolved_at=locked.at)


def resolve_outage(outage: Outage, resolution: str, *, at: datetime) -> None:
    """Resolve the incidents of all organizations."""
    incidents = list(Incident.objects.open().filter(entity_id=outage.pk))
    locked = LockedCauses([], [row.cause_id for row in incidents], at=at)
    for incident in incidents:
        incident.mended, incident.resolution = True, resolution
    save_resolved(incidents, locked)
    locked.save()


def resolution_text(incident: Incident, subject: Monitored | None) -> str:
    if subject is None:
        return "It was deleted."
    if subject.is_disabled():
        return "It was disabled."
    return "Its secret was replaced." if incident.mended else "It works again by itself."


def connect_signals() -> None:
    """Resolve incidents of monitored rows that are disabled or deleted."""
    disabled.connect(resolve_on_disable)
    post_delete.connect(release_on_leaving, sender=Membership)
    for model in filter(lambda model: issubclass(model, Monitored), apps.get_models()):
        post_delete.connect(resolve_on_delete, sender=model)


def release_on_leaving(instance: Membership, **signal: object) -> None:
    cause_verbs.release_all_of(instance)


def resolve_on_disable(subject: Monitored, **signal: object) -> None:
    resolve_all((incident, subject) for incident in Incident.objects.about(subject).open())


def resolve_on_delete(instance: Monitored, **signal: object) -> None:
    """Delete the checks of a deleted row and resolve its incidents. Its history is kept."""
    Check.objects.about(instance).delete()
    resolve_all((incident, None) for incident in Incident.objects.about(instance).open())


@transaction.atomic
def resolve_all(ending: Iterable[Ending]) -> None:
    if listed := list(ending):
        locked = LockedCauses([], [row.cause_id for row, _ in listed], at=clock.now())
        resolve_incidents(listed, locked)
        locked.save()


def prune() -> int:
    """Delete old history, except what is open. Returns how many rows."""
    ends: tuple[tuple[type[models.Model], str], ...] = (
        (Incident, "resolved_at"),
        (Cause, "resolved_at"),
        (Transition, "at"),
        (Outage, "cleared_at"),
        (ServiceIncident, "resolved_at"),
    )
    before = pruning.cutoff("KEEP_HISTORY_DAYS")
    return sum(
        pruning.prune(model._base_manager.filter(**{f"{end}__lt": before}), by=end)
        for model, end in ends
    )
