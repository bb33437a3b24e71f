"""The outbox: what must be told lies in the database, beside the change that it tells of.

Each delivery leaves at least once, tries are spread over a day, and what concerns one thing goes
out in order. Workers claim deliveries as they claim everything: a lease, and a fence for whoever
comes back too late.
"""

import random
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.db.models import F

from sequin_admin.access.models import Organization
from sequin_admin.audit.models import record
from sequin_admin.core import clock
from sequin_admin.notices import channels, retries, senders
from sequin_admin.notices.models import Channel, Delivery, DeliveryState, lane_of
from sequin_admin.notices.notice import TEST, Notice, Severity
from sequin_admin.notices.senders import Result

# Longer than a mail server or a receiver may take.
LEASE = timedelta(minutes=3)
# One slow receiver must not keep all threads.
MOST_AT_ONCE = 4
LOG_KEPT = 20
KEPT_FOR = timedelta(days=90)


class NotNow(Exception):
    """A delivery can't be sent again. `str()` says why."""


@transaction.atomic
def post(organization: Organization, notice: Notice) -> list[Delivery]:
    """Put a notice into the outbox, for each channel that wants it, and for the customer.

    Call it in the transaction that makes the change: both are kept, or neither.
    """
    now = clock.now()
    wanting = Channel.objects.of(organization).enabled().defer("secrets")
    drafts = [draft(organization, notice, now, c) for c in wanting if c.wants(notice)]
    if notice.to_customer:
        drafts.append(draft(organization, notice, now))
    if notice.is_resolving and drafts:
        drop_untold(drafts, now)
    return Delivery.objects.bulk_create(drafts)


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


def claim_due(room: int) -> list[Delivery]:
    """Up to `room` deliveries whose time has come, each ours for as long as `LEASE`.

    One short transaction: rows that another process is at are passed over, not waited for.
    """
    now = clock.now()
    with transaction.atomic():
        under_way = Delivery.objects.pending().filter(leased_until__gt=now)
        busy = Counter[UUID | None](under_way.values_list("channel_id", flat=True))
        full = [pk for pk, count in busy.items() if pk and count >= MOST_AT_ONCE]
        due = Delivery.objects.due(now).exclude(channel_id__in=full)
        taken = []
        for row in due.select_for_update(skip_locked=True, of=("self",), no_key=True)[:room]:
            busy[row.channel_id] += 1
            if row.channel_id is None or busy[row.channel_id] <= MOST_AT_ONCE:
                taken.append(lease(row, now))
        Delivery.objects.bulk_update(taken, ["fence", "leased_until"])
    return taken


def lease(delivery: Delivery, now: datetime) -> Delivery:
    delivery.fence, delivery.leased_until = delivery.fence + 1, now + LEASE
    return delivery


def deliver_claimed(delivery: Delivery) -> bool:
    """Send it, and write down what came of it, unless the lease is over: then another has it."""
    now = clock.now()
    rows = Delivery.objects.select_related("channel", "organization").defer("channel__secrets")
    row = rows.filter(pk=delivery.pk).first()
    if row is None or row.fence != delivery.fence:
        return False
    channel = row.channel
    if channel and not channel.enabled and row.type != TEST:
        return end(row, DeliveryState.DROPPED, "The channel was disabled.")
    if row.tried_from and now > row.tried_from + retries.LASTS + LEASE:
        return end(row, DeliveryState.GIVEN_UP, "Given up: for a day no try came to an end.")
    until = channel.quiet_over(Severity(row.severity), now) if channel and not row.urgent else None
    if until:
        return bool(mine(row).update(held=True, next_try_at=until, leased_until=None))
    if not begin(row, now):
        return False
    began = time.monotonic()
    result = senders.send(row)
    return note_try(row, result, now, ms=round((time.monotonic() - began) * 1000))


def mine(delivery: Delivery) -> models.QuerySet[Delivery]:
    """The row, while our lease is the newest."""
    return Delivery.objects.pending().filter(pk=delivery.pk, fence=delivery.fence)


def end(delivery: Delivery, state: DeliveryState, remark: str) -> bool:
    over = {"state": state, "remark": remark, "ended_at": clock.now()}
    return bool(mine(delivery).update(**over, next_try_at=None, leased_until=None))


def begin(delivery: Delivery, now: datetime) -> bool:
    """Count the try before it is made, and start the lease anew. False when it has run out."""
    delivery.attempts, delivery.tried_from = delivery.attempts + 1, delivery.tried_from or now
    return bool(
        mine(delivery)
        .filter(leased_until__gt=now)
        .update(
            attempts=F("attempts") + 1, tried_from=delivery.tried_from, leased_until=now + LEASE
        )
    )


def note_try(delivery: Delivery, result: Result, at: datetime, *, ms: int) -> bool:
    """Write down one try and what follows from it."""
    with transaction.atomic():
        row = mine(delivery).select_for_update(no_key=True).first()
        if row is None:
            return False
        tried = {"at": at.isoformat(), "status": result.status, "error": result.error, "ms": ms}
        row.log = [*row.log, tried][-LOG_KEPT:]
        row.leased_until, row.next_try_at, row.held = None, None, False
        row.state, row.remark = DeliveryState.DELIVERED, ""
        if not result.ok:
            fail(row, result)
        row.ended_at = None if row.next_try_at else clock.now()
        row.save()
    if result.gone and delivery.channel:
        channels.disable(delivery.channel, actor=None, reason=result.error)
    return True


def fail(row: Delivery, result: Result) -> None:
    """Wait and try again, or give up."""
    last = result.final or result.gone or row.type == TEST
    row.next_try_at = None if last else retry_at(row, result)
    row.state = DeliveryState.PENDING if row.next_try_at else DeliveryState.GIVEN_UP
    tries = f"{row.attempts} {'try' if row.attempts == 1 else 'tries'}"
    given_up = "" if last or row.next_try_at else f"Given up after {tries} in 24 hours. "
    row.remark = f"{given_up}{result.error}"[:500]


def retry_at(row: Delivery, result: Result) -> datetime | None:
    now = clock.now()
    return retries.next_try(
        row.attempts,
        row.tried_from or now,
        now,
        spread=random.random(),  # noqa: S311
        asked_s=result.retry_after_s,
    )


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
    row.next_try_at, row.leased_until = clock.now(), None
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
    delivery = lease(draft(channel.organization, notice, now, channel), now)
    delivery.urgent, delivery.next_try_at = True, now
    with transaction.atomic():
        delivery.save()
        channels.note("channel.tested", channel, actor)
    deliver_claimed(delivery)
    delivery.refresh_from_db()
    return delivery


def prune() -> int:
    """Forget deliveries that ended long ago. Returns how many."""
    old = Delivery.objects.filter(created_at__lt=clock.now() - KEPT_FOR)
    return old.exclude(state=DeliveryState.PENDING).delete()[0]
