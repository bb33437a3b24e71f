"""The outbox: what must be told lies in the database, beside the change that it tells of.

Each delivery leaves at least once, tries are spread over a day, and what concerns one thing goes
out in order.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction

from sequin_admin.access.models import Organization
from sequin_admin.audit.models import record
from sequin_admin.core import clock
from sequin_admin.notices import channels, delivering
from sequin_admin.notices.models import Channel, Delivery, DeliveryState, lane_of
from sequin_admin.notices.notice import TEST, Notice, Severity

KEPT_FOR = timedelta(days=90)


class NotNow(Exception):
    """A delivery can't be sent again. `str()` says why."""


@transaction.atomic
def post(organization: Organization, *notices: Notice) -> list[Delivery]:
    """Put notices into the outbox, for each channel that wants them, and for the customer.

    Call it in the transaction that makes the change: both are kept, or neither.
    """
    now = clock.now()
    enabled = list(Channel.objects.of(organization).enabled().defer("secrets"))
    drafts = [each for notice in notices for each in drafts_of(organization, notice, now, enabled)]
    return Delivery.objects.bulk_create(drafts)


def drafts_of(
    organization: Organization, notice: Notice, now: datetime, enabled: Iterable[Channel]
) -> list[Delivery]:
    drafts = [draft(organization, notice, now, c) for c in enabled if c.wants(notice)]
    if notice.to_customer:
        drafts.append(draft(organization, notice, now))
    if notice.is_resolving and drafts:
        drop_untold(drafts, now)
    return drafts


def draft(
    organization: Organization, notice: Notice, now: datetime, channel: Channel | None = None
) -> Delivery:
    """A delivery that is not stored yet. Without a channel it is for the customer."""
    quiet_over = channel.quiet_over(notice.severity, now) if channel else None
    to = "" if channel else notice.to_customer
    return Delivery(
        organization=organization,
        channel=channel,
        to=to,
        type=notice.type,
        severity=notice.severity,
        lane=lane_of(channel.pk if channel else to, notice.key),
        notice=notice.as_json(),
        secrets={} if channel or not notice.customer_url else {"url": notice.customer_url},
        held=quiet_over is not None,
        next_try_at=quiet_over or now,
    )


def drop_untold(drafts: list[Delivery], now: datetime) -> None:
    """What quiet hours still held back when it was over: neither it nor its end is news."""
    held = Delivery.objects.pending().filter(held=True, attempts=0, type__endswith=".opened")
    lanes = [each.lane for each in drafts]
    untold = list(held.filter(lane__in=lanes).select_for_update())
    over: dict[str, Any] = {
        "state": DeliveryState.DROPPED,
        "remark": "It was over before the quiet hours were.",
        "ended_at": now,
        "next_try_at": None,
    }
    Delivery.objects.filter(pk__in=[row.pk for row in untold]).update(**over)
    for each in drafts:
        if each.lane in {row.lane for row in untold}:
            for column, value in over.items():
                setattr(each, column, value)


@transaction.atomic
def redeliver(delivery: Delivery, *, actor: models.Model | None) -> None:
    """Send it once more, with the same id. Raises `NotNow`."""
    row = Delivery.objects.select_for_update().get(pk=delivery.pk)
    if row.state == DeliveryState.PENDING:
        raise NotNow("It waits to be sent already.")
    if row.channel and not row.channel.enabled:
        raise NotNow(f"{row.channel} is disabled. Enable it first.")
    row.state, row.remark, row.urgent, row.held = DeliveryState.PENDING, "", True, False
    row.attempts, row.tried_from, row.ended_at = 0, None, None
    row.next_try_at, row.leased_until, row.fence = clock.now(), None, row.fence + 1
    row.save()
    record(
        "delivery.repeated",
        actor=actor,
        target=row,
        organization_id=row.organization_id,
        type=row.type,
    )


def test(channel: Channel, *, actor: models.Model | None) -> Delivery:
    """Send a test at once, whatever the channel wants and whatever the hour."""
    now = clock.now()
    notice = Notice(
        type=TEST,
        key=f"test:{now.isoformat()}",
        severity=Severity.INFO,
        title="A test from Sequin Admin",
        text=f"{channel.organization} can reach you here. Nothing happened and nobody must act.",
    )
    delivery = delivering.lease(draft(channel.organization, notice, now, channel), now)
    delivery.urgent, delivery.next_try_at = True, now
    with transaction.atomic():
        delivery.save()
        channels.note("channel.tested", channel, actor)
    delivering.deliver_claimed(delivery)
    delivery.refresh_from_db()
    return delivery


def prune() -> int:
    """Forget deliveries that ended long ago. Returns how many."""
    old = Delivery.objects.filter(created_at__lt=clock.now() - KEPT_FOR)
    return old.exclude(state=DeliveryState.PENDING).delete()[0]
