"""Messages about incidents: one when it opens, and one when it is resolved for good.

They are for programs, which count incidents, and for the customers whose accounts they are of.
People are notified of the cause (`cause_alerts`). A reopened incident posts no further message.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.core.chunks import CHUNK_SIZE
from sequin_admin.core.monitored import Monitored
from sequin_admin.core.words import format_duration, format_time
from sequin_admin.credentials.models import Credential
from sequin_admin.health.customer_mails import (
    ENDS_AT,
    LET_IN_NO_MORE,
    CustomerNote,
    customer_fields,
)
from sequin_admin.health.models import REOPEN_WITHIN, Incident
from sequin_admin.health.status import Status
from sequin_admin.notifications import outbox
from sequin_admin.notifications.message import PROGRAMS, Message, Severity

SEVERITY = {Status.SEQUIN: Severity.CRITICAL, Status.CUSTOMER: Severity.WARNING}
WHO_MUST_ACT = {Status.SEQUIN: "we must act", Status.CUSTOMER: "the customer must act"}
# How long an incident lasted is told in these.
HOURS = {"h": 3600, "min": 60}
# The code of a check of access that ends soon and still works.
ENDS_SOON = "ends_soon"


def post_opened(incidents: Sequence[Incident], subjects: Sequence[Monitored | None]) -> None:
    """Post that incidents opened, in the same transaction.

    Programs get one message each; people are notified of the cause (`cause_alerts`). The contact of
    a credential that its customer must act on is notified as well.
    """
    if not incidents:
        return
    owners = Organization.objects.in_bulk({incident.organization_id for incident in incidents})
    customers = customer_messages(owners, incidents, subjects)
    channels = outbox.find_channels(owners)
    outbox.post_all(
        [
            (owners[row.organization_id], opening_message(row, customers.get(row.pk, {})))
            for row in incidents
            if row.organization_id in channels or row.pk in customers
        ],
        channels,
    )


def opening_message(incident: Incident, to_customer: Mapping[str, str]) -> Message:
    title = f"{incident.name}: {whose_move(incident.status)}"
    text = f"{incident.message} It began on {format_time(incident.opened_at)}."
    return build_message(incident, "incident.opened", title=title, text=text, **to_customer)


def whose_move(status: str) -> str:
    return WHO_MUST_ACT[Status(status)] if status else "nothing to do"


def severity_of(status: str) -> Severity:
    return SEVERITY[Status(status)] if status else Severity.INFO


def build_message(incident: Incident, type_: str, *, title: str, text: str, **more: Any) -> Message:
    return Message(
        type=type_,
        key=f"incident:{incident.pk}",
        severity=severity_of(incident.status),
        title=title,
        text=text,
        action_url=incident_url(incident),
        action_label="See what to do" if incident.resolved_at is None else "See what happened",
        data=incident_json(incident),
        audience=PROGRAMS,
        **more,
    )


def incident_url(incident: Incident) -> str:
    """The health page of the subject; for an outage that of its cause."""
    if incident.provider and not incident.status:
        return cause_url(incident.cause_id)
    return health_url(incident.entity, incident.entity_id)


def cause_url(pk: UUID | None) -> str:
    return f"{settings.PUBLIC_URL}/causes/{pk}/"


def health_url(entity: str, pk: UUID) -> str:
    return f"{settings.PUBLIC_URL}/health/{entity}/{pk}/"


def incident_json(incident: Incident) -> dict[str, object]:
    """`data` of the message. It holds no secrets."""
    return {
        "incident_id": str(incident.pk),
        "cause_id": str(incident.cause_id),
        "entity": incident.entity,
        "entity_id": str(incident.entity_id),
        "name": incident.name,
        "provider": incident.provider,
        "status": incident.status or None,
        "code": incident.code,
        "opened_at": incident.opened_at.isoformat(),
        "resolved_at": incident.resolved_at and incident.resolved_at.isoformat(),
        "affected": incident.affected,
    }


def customer_messages(
    owners: Mapping[UUID, Organization],
    incidents: Sequence[Incident],
    subjects: Sequence[Monitored | None],
) -> dict[UUID, dict[str, Any]]:
    """Message fields for mails to customers' contacts with a reconnect link, by incident.

    Only of credentials that have a contact and that the customer must act on.
    """
    notes = defaultdict[UUID, dict[UUID, CustomerNote]](dict)
    for incident, subject in zip(incidents, subjects, strict=True):
        if isinstance(subject, Credential) and incident.status == Status.CUSTOMER:
            notes[incident.organization_id][incident.pk] = note_of(incident, subject)
    messages = dict[UUID, dict[str, Any]]()
    for owner, by_incident in notes.items():
        fields = customer_fields(owners[owner], list(by_incident.values()))
        messages |= {
            pk: fields[note.credential.pk]
            for pk, note in by_incident.items()
            if note.credential.pk in fields
        }
    return messages


def note_of(incident: Incident, subject: Credential) -> CustomerNote:
    ends_at = subject.access_ends_at() if incident.code == ENDS_SOON else None
    if ends_at:
        return CustomerNote(subject, ENDS_AT, ends_at)
    return CustomerNote(subject, LET_IN_NO_MORE, incident.opened_at)


def notify_resolved() -> int:
    """Post all due messages about resolved incidents. Returns how many."""
    count = 0
    while notified := notify_next_resolved():
        count += notified
    return count


@transaction.atomic
def notify_next_resolved() -> int:
    """Post the next due messages about resolved incidents, in one transaction."""
    due = Incident.objects.resolution_due(clock.now(), REOPEN_WITHIN).order_by("resolved_at")
    locked = due.select_related("organization").select_for_update(skip_locked=True, of=("self",))
    incidents = list(locked[:CHUNK_SIZE])
    channels = outbox.find_channels(row.organization_id for row in incidents)
    heard = [row for row in incidents if row.organization_id in channels]
    outbox.post_all([(row.organization, resolution_message(row)) for row in heard], channels)
    told = Incident.objects.filter(pk__in=[row.pk for row in incidents])
    told.update(over_told_at=clock.now())
    return len(incidents)


def resolution_message(incident: Incident) -> Message:
    over_at = incident.resolved_at or clock.now()
    lasted = format_duration(over_at - incident.opened_at, HOURS)
    text = (
        f"{incident.resolution} It was over on {format_time(over_at)}, after {lasted}. "
        f"It had begun with this: {incident.message}"
    )
    title = f"{incident.name}: resolved"
    return build_message(incident, "incident.resolved", title=title, text=text)
