"""The end of access that renewing does not move: when the status changes, and who is told.

Messages come 30 days and a day before, none earlier than half the life of the access; at 7 days the
status changes and the incident is the notice. Ends that renewing moves are never near, as the
worker renews every token when its access token ends, read or not. `credentials/ends.py` decides
when, the column `end_notice_at` finds what is due, and `expiry_notices.py` remembers what was said.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.core.chunks import CHUNK_SIZE
from sequin_admin.core.words import format_day, format_time
from sequin_admin.credentials import ends
from sequin_admin.credentials.models import Credential
from sequin_admin.health import alerts
from sequin_admin.health.customer_mails import ENDS_AT, CustomerNote, customer_fields
from sequin_admin.health.expiry import Expiring
from sequin_admin.health.expiry_notices import DueNotice, claim_notices
from sequin_admin.health.models import Check
from sequin_admin.health.status import Status
from sequin_admin.notifications import outbox
from sequin_admin.notifications.message import Message, Severity

TYPE = "credential.access_ends"
# How many a message names.
NAMED = 5


def changes_status(credential: Credential, ends_at: datetime) -> bool:
    """Whether the end is so near that the customer must act."""
    return ends_at - clock.now() <= ends.capped(ends.STATUS, credential.access_life())


def notify_credentials() -> int:
    """Post all due messages about access that ends. Returns of how many credentials."""
    count = 0
    while notified := notify_next_credentials():
        count += notified
    return count


@transaction.atomic
def notify_next_credentials() -> int:
    """Post the next due messages, one for all credentials of an organization at a provider, and set
    when theirs is due next. Returns how many credentials were looked at."""
    now = clock.now()
    due = Credential.objects.active().filter(end_notice_at__lte=now).order_by("end_notice_at")
    joined = due.select_related("organization", "oauth_app")
    rows = list(joined.select_for_update(skip_locked=True, of=("self",))[:CHUNK_SIZE])
    broken, wanted = broken_credentials(rows), list[DueNotice]()
    for row in rows:
        if row.ends_at is None:
            continue
        life = row.access_life()
        step = ends.message_due(row.ends_at - now, life)
        if step and row.pk not in broken:
            subject = str(row.pk)
            wanted.append(
                DueNotice(row.organization_id, Expiring.CREDENTIAL, subject, row.ends_at, step)
            )
        last_at = ends.last_notice_at(row.ends_at, life, now)
        row.end_notice_at = last_at if last_at and last_at > now else None
    post_messages(rows, claim_notices(wanted))
    Credential.objects.bulk_update(rows, ["end_notice_at"])
    return len(rows)


def broken_credentials(rows: Sequence[Credential]) -> set[object]:
    """Of these, the keys of those that have another fault: its incident says what to do."""
    checks = Check.objects.filter(entity_id__in=[row.pk for row in rows])
    faults = checks.exclude(status__in=("", Status.HEALTHY)).exclude(code=alerts.ENDS_SOON)
    return set(faults.values_list("entity_id", flat=True))


def post_messages(rows: Sequence[Credential], notices: Sequence[DueNotice]) -> None:
    by_pk = {str(row.pk): row for row in rows}
    groups = defaultdict[tuple[object, str, timedelta], list[Credential]](list)
    for notice in notices:
        row = by_pk[notice.subject]
        groups[notice.organization_id, row.provider, notice.step].append(row)
    for group in groups.values():
        organization = group[0].organization
        if len(group) == 1:
            outbox.post(organization, build_message(group[0], known_end(group[0])))
            continue
        outbox.post(organization, build_group_message(group))
        outbox.post_to_customers(organization, build_customer_messages(organization, group))


def known_end(credential: Credential) -> datetime:
    return credential.ends_at or clock.now()


def build_message(credential: Credential, ends_at: datetime) -> Message:
    when = format_time(ends_at)
    text = (
        f"All access to {credential.provider_title} ends on {when} at the latest, and renewing "
        "does not move that. The customer must connect the account again before."
    )
    extra = to_customers(credential.organization, [credential]).get(credential.pk, {})
    return Message(
        type=TYPE,
        key=f"credential:{credential.pk}",
        severity=Severity.WARNING,
        title=f"{credential}: access ends on {format_day(ends_at)}",
        text=text,
        action_url=alerts.health_url(credential.entity, credential.pk),
        action_label="See what to do",
        data={
            "id": str(credential.pk),
            "name": str(credential),
            "provider": credential.provider,
            "ends_at": ends_at.isoformat(),
        },
        **extra,
    )


def build_group_message(group: Sequence[Credential]) -> Message:
    """One message for credentials of one provider that end in the same time."""
    times = sorted(map(known_end, group))
    provider, title = group[0].provider, group[0].provider_title
    text = (
        f"All access of {len(group):,} credentials to {title} ends between "
        f"{format_time(times[0])} and {format_time(times[-1])}, and renewing does not move that. "
        f"The customers must connect their accounts again before: {name_some(group)}."
    )
    return Message(
        type=TYPE,
        key=f"ends:{provider}:{times[0]:%Y-%m-%d}",
        severity=Severity.WARNING,
        title=f"{len(group):,} {title} credentials: access ends from {format_day(times[0])}",
        text=text,
        action_url=f"{settings.PUBLIC_URL}/expiry/?what={Expiring.CREDENTIAL}&provider={provider}",
        action_label="See which",
        data={
            "ids": [str(row.pk) for row in group],
            "provider": provider,
            "ends_at": times[0].isoformat(),
            "last_ends_at": times[-1].isoformat(),
        },
    )


def name_some(group: Sequence[object]) -> str:
    """Arrakis, Caladan, ... and 595 more"""
    named = ", ".join(str(each)[:100] for each in group[:NAMED])
    more = len(group) - NAMED
    return f"{named} and {more:,} more" if more > 0 else named


def build_customer_messages(
    organization: Organization, group: Sequence[Credential]
) -> list[tuple[Message, None]]:
    """For the contact of each credential that has one, with a new connect link."""
    fields = to_customers(organization, group)
    return [(customer_message(row, fields[row.pk]), None) for row in group if row.pk in fields]


def customer_message(row: Credential, fields: dict[str, Any]) -> Message:
    return Message(
        type=TYPE,
        key=f"credential:{row.pk}",
        severity=Severity.WARNING,
        title=f"{row}: access ends on {format_day(known_end(row))}",
        text=f"The customer is mailed that access ends on {format_time(known_end(row))}.",
        **fields,
    )


def to_customers(
    organization: Organization, group: Sequence[Credential]
) -> dict[UUID, dict[str, Any]]:
    notes = [CustomerNote(row, ENDS_AT, known_end(row)) for row in group]
    return customer_fields(organization, notes)
