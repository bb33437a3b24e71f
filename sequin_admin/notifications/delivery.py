"""Sending what lies in the outbox: claimed, tried, and written down.

Workers claim deliveries as they claim everything: a lease, and a fence for whoever comes back too
late.
"""

import random
import time
from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

from django.db import models, transaction
from django.db.models import F

from sequin_admin.core import clock
from sequin_admin.notifications import channels, retries, senders
from sequin_admin.notifications.message import TEST, Severity
from sequin_admin.notifications.models import Delivery, DeliveryState
from sequin_admin.notifications.senders import SendResult

# Longer than a mail server or a receiver may take.
LEASE = timedelta(minutes=3)
# One slow receiver must not keep all threads.
MOST_AT_ONCE = 4
LOG_KEPT = 20


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
        return finish_delivery(row, DeliveryState.DROPPED, "The channel was disabled.")
    if row.tried_from and now > row.tried_from + retries.LASTS + LEASE:
        return finish_delivery(
            row, DeliveryState.GIVEN_UP, "Given up: for a day no try came to an end."
        )
    until = (
        channel.quiet_ends_at(Severity(row.severity), now) if channel and not row.urgent else None
    )
    if until:
        return bool(
            still_leased(row).update(in_quiet_hours=True, next_try_at=until, leased_until=None)
        )
    if not start_attempt(row, now):
        return False
    began = time.monotonic()
    result = senders.send(row)
    return record_attempt(row, result, now, ms=round((time.monotonic() - began) * 1000))


def still_leased(delivery: Delivery) -> models.QuerySet[Delivery]:
    """The row, while our lease is the newest."""
    return Delivery.objects.pending().filter(pk=delivery.pk, fence=delivery.fence)


def finish_delivery(delivery: Delivery, state: DeliveryState, last_error: str) -> bool:
    over = {"state": state, "last_error": last_error, "ended_at": clock.now()}
    return bool(still_leased(delivery).update(**over, next_try_at=None, leased_until=None))


def start_attempt(delivery: Delivery, now: datetime) -> bool:
    """Count the try before it is made, and start the lease anew. False when it has run out."""
    delivery.attempts, delivery.tried_from = delivery.attempts + 1, delivery.tried_from or now
    return bool(
        still_leased(delivery)
        .filter(leased_until__gt=now)
        .update(
            attempts=F("attempts") + 1, tried_from=delivery.tried_from, leased_until=now + LEASE
        )
    )


def record_attempt(delivery: Delivery, result: SendResult, at: datetime, *, ms: int) -> bool:
    """Write down one try and what follows from it."""
    with transaction.atomic():
        row = still_leased(delivery).select_for_update(no_key=True).first()
        if row is None:
            return False
        tried = {"at": at.isoformat(), "status": result.status, "error": result.error, "ms": ms}
        row.log = [*row.log, tried][-LOG_KEPT:]
        row.leased_until, row.next_try_at, row.in_quiet_hours = None, None, False
        row.state, row.last_error = DeliveryState.DELIVERED, ""
        if not result.ok:
            schedule_retry(row, result)
        row.ended_at = None if row.next_try_at else clock.now()
        row.save()
    if result.gone and delivery.channel:
        channels.disable(delivery.channel, actor=None, reason=result.error)
    return True


def schedule_retry(row: Delivery, result: SendResult) -> None:
    """Wait and try again, or give up."""
    last = result.final or result.gone or row.type == TEST
    row.next_try_at = None if last else retry_at(row, result)
    row.state = DeliveryState.PENDING if row.next_try_at else DeliveryState.GIVEN_UP
    tries = f"{row.attempts} {'try' if row.attempts == 1 else 'tries'}"
    given_up = "" if last or row.next_try_at else f"Given up after {tries} in 24 hours. "
    row.last_error = f"{given_up}{result.error}"[:500]


def retry_at(row: Delivery, result: SendResult) -> datetime | None:
    now = clock.now()
    return retries.next_try(
        row.attempts,
        row.tried_from or now,
        now,
        spread=random.random(),  # noqa: S311
        asked_s=result.retry_after_s,
    )
