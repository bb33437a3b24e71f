"""The outbox: what must be told lies in the database, beside the change that it tells of.

Each delivery leaves at least once, tries are spread over a day, and what concerns one thing goes
out in order.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction

from sequin_admin.access.models import Organization
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock
from sequin_admin.notifications import channels, delivery
from sequin_admin.notifications.message import TEST, Message, Severity
from sequin_admin.notifications.models import Channel, Delivery, DeliveryState, ordering_key_of

KEPT_FOR = timedelta(days=90)


class NotRedeliverable(Exception):
    """A delivery can't be sent again. `str()` says why."""


@transaction.atomic
def post(organization: Organization, *notices: Message) -> list[Delivery]:
    """Put notices into the outbox, for each channel that wants them, and for the customer.

    Call it in the transaction that makes the change: both are kept, or neither.
    """
    now = clock.now()
    enabled = list(Channel.objects.of(organization).enabled().defer("secrets"))
    drafts = [each for notice in notices for each in drafts_of(organization, notice, now, enabled)]
    return Delivery.objects.bulk_create(drafts)


def drafts_of(
    organization: Organization, notice: Message, now: datetime, enabled: Iterable[Channel]
) -> list[Delivery]:
    drafts = [draft(organization, notice, now, c) for c in enabled if c.wants(notice)]
    if notice.to_customer:
        drafts.append(draft(organization, notice, now))
    if notice.is_resolving and drafts:
        drop_obsolete(drafts, now)
    return drafts


def draft(
    organization: Organization, notice: Message, now: datetime, channel: Channel | None = None
) -> Delivery:
    """A delivery that is not stored yet. Without a channel it is for the customer."""
    quiet_ends_at = channel.quiet_ends_at(notice.severity, now) if channel else None
    to = "" if channel else notice.to_customer
    return Delivery(
        organization=organization,
        channel=channel,
        to=to,
        type=notice.type,
        severity=notice.severity,
        ordering_key=ordering_key_of(channel.pk if channel else to, notice.key),
        notice=notice.as_json(),
        secrets={} if channel or not notice.customer_url else {"url": notice.customer_url},
        in_quiet_hours=quiet_ends_at is not None,
        next_try_at=quiet_ends_at or now,
    )


def drop_obsolete(drafts: list[Delivery], now: datetime) -> None:
    """What quiet hours still held back when it was over: neither it nor its end is news."""
    in_quiet_hours = Delivery.objects.pending().filter(
        in_quiet_hours=True, attempts=0, type__endswith=".opened"
    )
    lanes = [each.ordering_key for each in drafts]
    untold = list(in_quiet_hours.filter(ordering_key__in=lanes).select_for_update())
    over: dict[str, Any] = {
        "state": DeliveryState.DROPPED,
        "last_error": "It was over before the quiet hours were.",
        "ended_at": now,
        "next_try_at": None,
    }
    Delivery.objects.filter(pk__in=[row.pk for row in untold]).update(**over)
    for each in drafts:
        if each.ordering_key in {row.ordering_key for row in untold}:
            for column, value in over.items():
                setattr(each, column, value)


@transaction.atomic
def redeliver(delivery: Delivery, *, actor: models.Model | None) -> None:
    """Send it once more, with the same id. Raises `NotNow`."""
    row = Delivery.objects.select_for_update().get(pk=delivery.pk)
    if row.state == DeliveryState.PENDING:
        raise NotRedeliverable("It waits to be sent already.")
    if row.channel and not row.channel.enabled:
        raise NotRedeliverable(f"{row.channel} is disabled. Enable it first.")
    row.state, row.last_error, row.urgent, row.in_quiet_hours = (
        DeliveryState.PENDING,
        "",
        True,
        False,
    )
    row.attempts, row.tried_from, row.ended_at = 0, None, None
    row.next_try_at, row.leased_until, row.fence = clock.now(), None, row.fence + 1
    row.save()
    record_change(
        "delivery.repeated",
        actor=actor,
        target=row,
        organization_id=row.organization_id,
        type=row.type,
    )


def test(channel: Channel, *, actor: models.Model | None) -> Delivery:
    """Send a test at once, whatever the channel wants and whatever the hour."""
    now = clock.now()
    notice = Message(
        type=TEST,
        key=f"test:{now.isoformat()}",
        severity=Severity.INFO,
        title="A test from Sequin Admin",
        text=f"{channel.organization} can reach you here. Nothing happened and nobody must act.",
    )
    row = delivery.lease(draft(channel.organization, notice, now, channel), now)
    row.urgent, row.next_try_at = True, now
    with transaction.atomic():
        row.save()
        channels.record_channel_change("channel.tested", channel, actor)
    delivery.deliver_claimed(row)
    row.refresh_from_db()
    return row


def prune() -> int:
    """Forget deliveries that ended long ago. Returns how many."""
    old = Delivery.objects.filter(created_at__lt=clock.now() - KEPT_FOR)
    return old.exclude(state=DeliveryState.PENDING).delete()[0]
