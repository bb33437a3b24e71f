"""Messages about incidents: one when it opens, and one when it is resolved for good.

A reopened incident (`incidents.open_incident`) posts no further message.
"""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

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
from sequin_admin.notifications.message import Message, Severity

SEVERITY = {Status.SEQUIN: Severity.CRITICAL, Status.CUSTOMER: Severity.WARNING}
WHO_MUST_ACT = {Status.SEQUIN: "we must act", Status.CUSTOMER: "the customer must act"}
# How long an incident lasted is told in these.
HOURS = {"h": 3600, "min": 60}
# The code of a check of access that ends soon and still works.
ENDS_SOON = "ends_soon"


def notify_opened(incident: Incident, subject: Monitored | None = None) -> None:
    """Post that an incident opened, in the same transaction.

    If the customer must act, the contact of the credential `subject` is notified as well.
    """
    outbox.post(incident.organization, opening_message(incident, subject))
    incident.told_at = clock.now()
    incident.save(update_fields=["told_at"])


def opening_message(incident: Incident, subject: Monitored | None = None) -> Message:
    whose = WHO_MUST_ACT[Status(incident.status)] if incident.status else "nothing to do"
    title = f"{incident.name}: {whose}"
    text = f"{incident.message} It began on {format_time(incident.opened_at)}."
    extra = customer_message(incident, subject)
    return build_message(incident, "incident.opened", title=title, text=text, **extra)


def build_message(incident: Incident, type_: str, *, title: str, text: str, **more: Any) -> Message:
    return Message(
        type=type_,
        key=f"incident:{incident.pk}",
        severity=SEVERITY[Status(incident.status)] if incident.status else Severity.INFO,
        title=title,
        text=text,
        action_url=incident_url(incident),
        action_label="See what to do" if incident.resolved_at is None else "See what happened",
        data=incident_json(incident),
        **more,
    )


def incident_url(incident: Incident) -> str:
    """The health page of the subject; for an outage the list of incidents."""
    if incident.provider and not incident.status:
        return f"{settings.PUBLIC_URL}/incidents/"
    return health_url(incident.entity, incident.entity_id)


def health_url(entity: str, pk: UUID) -> str:
    return f"{settings.PUBLIC_URL}/health/{entity}/{pk}/"


def incident_json(incident: Incident) -> dict[str, object]:
    """`data` of the message. It holds no secrets."""
    return {
        "incident_id": str(incident.pk),
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


def customer_message(incident: Incident, subject: Monitored | None) -> dict[str, Any]:
    """Message fields for a mail to the customer's contact with a reconnect link.

    Empty unless the customer must act and the credential has a contact.
    """
    if not isinstance(subject, Credential) or incident.status != Status.CUSTOMER:
        return {}
    ends_at = subject.access_ends_at() if incident.code == ENDS_SOON else None
    text, at = (ENDS_AT, ends_at) if ends_at else (LET_IN_NO_MORE, incident.opened_at)
    notes = [CustomerNote(subject, text, at)]
    return customer_fields(incident.organization, notes).get(subject.pk, {})


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
    outbox.post_all([(row.organization, resolution_message(row)) for row in incidents])
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
