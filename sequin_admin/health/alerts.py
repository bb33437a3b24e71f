"""Tell of incidents: once when one opens, and once when it is over for good.

What comes and goes is one incident (`incidents.begin`), so it is told once, however often.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from sequin_admin.connect import links
from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential, Monitored
from sequin_admin.health.models import STEADY, Incident
from sequin_admin.health.status import Status
from sequin_admin.notifications import outbox
from sequin_admin.notifications.message import Message, Severity

SEVERITY = {Status.SEQUIN: Severity.CRITICAL, Status.CUSTOMER: Severity.WARNING}
WHOSE = {Status.SEQUIN: "we must act", Status.CUSTOMER: "the customer must act"}
AT_ONCE = 100


def notify_opened(incident: Incident, subject: Monitored | None = None) -> None:
    """In the transaction that opens it. The customer's contact is told of the customer's faults."""
    whose = WHOSE[Status(incident.status)] if incident.status else "nothing to do"
    title = f"{incident.name}: {whose}"
    text = f"{incident.message} It began on {when(incident.opened_at)}."
    told = for_customer(incident, subject)
    notice = message_of(incident, "incident.opened", title=title, text=text, **told)
    outbox.post(incident.organization, notice)
    incident.told_at = clock.now()
    incident.save(update_fields=["told_at"])


def message_of(incident: Incident, type_: str, *, title: str, text: str, **more: str) -> Message:
    return Message(
        type=type_,
        key=f"incident:{incident.pk}",
        severity=SEVERITY[Status(incident.status)] if incident.status else Severity.INFO,
        title=title,
        text=text,
        action_url=address(incident),
        action_label="See what to do" if incident.resolved_at is None else "See what happened",
        data=as_data(incident),
        **more,
    )


def address(incident: Incident) -> str:
    """The page about what broke. A provider's outage has none of its own."""
    if incident.provider and not incident.status:
        return f"{settings.PUBLIC_URL}/incidents/"
    return f"{settings.PUBLIC_URL}/health/{incident.entity}/{incident.entity_id}/"


def as_data(incident: Incident) -> dict[str, object]:
    """For machines; no secret is among it."""
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


def for_customer(incident: Incident, subject: Monitored | None) -> dict[str, str]:
    """A mail to the customer's contact, with a link that mends it, where there is somebody."""
    if not isinstance(subject, Credential) or incident.status != Status.CUSTOMER:
        return {}
    if not subject.contact_email:
        return {}
    account = f"{subject.provider_title} account {subject.describe()}".strip()
    text = (
        f"{incident.organization} works with data of your {account}, and since "
        f"{when(incident.opened_at)} it is no longer let in. Please connect the account again: "
        "it takes a minute, and only you can do it."
    )
    return {
        "to_customer": subject.contact_email,
        "customer_text": text,
        "customer_url": reconnect_url(subject),
    }


def reconnect_url(credential: Credential) -> str:
    """A fresh link for the customer; empty where none would help."""
    try:
        with transaction.atomic():
            link = links.create_reconnect(credential.organization, credential, actor=None)
    except links.BadLink:
        return ""
    return links.address(link)


def when(at: datetime) -> str:
    return f"{at:%-d %B %Y, %H:%M} UTC"


def notify_resolved(limit: int = AT_ONCE) -> int:
    """Tell that incidents are over, once they have been for long enough. Returns how many."""
    told = 0
    for _ in range(limit):
        with transaction.atomic():
            due = Incident.objects.resolution_due(clock.now(), STEADY).order_by("resolved_at")
            incident = due.select_for_update(skip_locked=True, of=("self",)).first()
            if incident is None:
                break
            notify_resolution(incident)
        told += 1
    return told


def notify_resolution(incident: Incident) -> None:
    over_at = incident.resolved_at or clock.now()
    text = (
        f"{incident.resolution} It was over on {when(over_at)}, after "
        f"{words_of(over_at - incident.opened_at)}. It had begun with this: {incident.message}"
    )
    title = f"{incident.name}: resolved"
    notice = message_of(incident, "incident.resolved", title=title, text=text)
    outbox.post(incident.organization, notice)
    incident.over_told_at = clock.now()
    incident.save(update_fields=["over_told_at"])


def words_of(length: timedelta) -> str:
    """`2 h 5 min`"""
    hours, minutes = divmod(max(1, round(length.total_seconds() / 60)), 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{minutes} min") if part)
