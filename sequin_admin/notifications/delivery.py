"""Sending the pending deliveries of the outbox: claim, attempt, record.

A claim is a lease: a worker that has lost it can't record a result.
"""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import models, transaction
from django.db.models import F

from sequin_admin.access import endings
from sequin_admin.core import clock, leases, turns
from sequin_admin.core.jitter import jittered
from sequin_admin.core.metrics import DELIVERIES
from sequin_admin.core.turns import LISTED, Turns, queue_parts
from sequin_admin.notifications import channels, retries, senders
from sequin_admin.notifications.message import TEST, Severity
from sequin_admin.notifications.models import LOG_ENTRIES, Delivery, DeliveryState
from sequin_admin.notifications.senders.attempts import SendResult

# Longer than any attempt takes.
LEASE = timedelta(minutes=3)
# A slow receiver must not occupy all threads.
MOST_PER_CHANNEL = 4
OVER = "What it is about was over before it could be sent."
TURNS = Turns("state = 'pending'")


def claim_due(room: int) -> list[Delivery]:
    """Claim up to `room` due deliveries, each for the time of `LEASE`.

    The organizations take turns, and so do the channels of each. Short transactions that skip rows
    locked by other processes.
    """
    ending = endings.list_ending()
    due, busy = endings.without_ending(Delivery.objects.due(), ending), count_busy()
    full = endings.closed_queues(ending)
    full += [queue for queue, count in busy.items() if places_left(queue, count) <= 0]

    @transaction.atomic
    def take(queues: Sequence[str], most: int) -> list[Delivery]:
        busy = count_busy()
        shares = TURNS.share_out(
            queues, most, lambda queue, share, _: min(share, places_left(queue, busy[queue]))
        )
        return leases.take_locked(turns.lock_shares(due, shares), LEASE)

    return TURNS.claim(due, room, take, full)


def count_busy() -> Counter[str]:
    """How many deliveries are under way, by queue."""
    under_way = Delivery.objects.pending().filter(leases.leased())
    return Counter(under_way.order_by().values_list("queue", flat=True))


def places_left(queue: str, busy: int) -> int:
    """How many more may be claimed of a queue: those to customers have no channel."""
    return MOST_PER_CHANNEL - busy if queue_parts(queue)[1] else LISTED


def deliver_claimed(delivery: Delivery) -> bool:
    """Attempt a claimed delivery and record the result. False if its lease was lost."""
    now = clock.now()
    rows = Delivery.objects.select_related("channel", "organization").defer("channel__secrets")
    row = rows.filter(pk__in=still_leased(delivery).values("pk")).first()
    if row is None:
        return False
    channel = row.channel
    if channel and not channel.enabled and row.type != TEST:
        return finish_delivery(row, DeliveryState.DROPPED, "The channel was disabled.")
    if row.ends_at and now >= row.ends_at:
        return finish_delivery(row, DeliveryState.DROPPED, OVER)
    if row.tried_from and now > row.tried_from + retries.RETRY_FOR + LEASE:
        return finish_delivery(
            row, DeliveryState.GIVEN_UP, "Given up: for a day no try came to an end."
        )
    until = (
        channel.quiet_ends_at(Severity(row.severity), now) if channel and not row.urgent else None
    )
    if until:
        return leases.release(row, in_quiet_hours=True, next_try_at=until)
    if not start_attempt(row, now):
        return False
    began = time.monotonic()
    result = senders.send(row)
    return record_attempt(row, result, now, ms=round((time.monotonic() - began) * 1000))


def still_leased(delivery: Delivery) -> models.QuerySet[Delivery]:
    """The row as a queryset; empty once the lease was lost or the delivery has ended."""
    return leases.still_mine(delivery).filter(state=DeliveryState.PENDING)


def finish_delivery(delivery: Delivery, state: DeliveryState, last_error: str) -> bool:
    final = {"state": state, "last_error": last_error, "ended_at": clock.now()}
    return bool(still_leased(delivery).update(**final, next_try_at=None, **leases.RELEASED))


def start_attempt(delivery: Delivery, now: datetime) -> bool:
    """Count the attempt before it is made, and renew the lease. False if the lease expired."""
    delivery.attempts, delivery.tried_from = delivery.attempts + 1, delivery.tried_from or now
    held = still_leased(delivery).filter(leases.leased())
    tried = {"attempts": F("attempts") + 1, "tried_from": delivery.tried_from}
    return leases.extend(held, LEASE, **tried)


def record_attempt(delivery: Delivery, result: SendResult, at: datetime, *, ms: int) -> bool:
    """Store the result of one attempt, and schedule a retry or disable a gone channel.

    False if the lease was lost.
    """
    with transaction.atomic():
        row = still_leased(delivery).select_for_update(no_key=True).first()
        if row is None:
            return False
        attempt = {"at": at.isoformat(), "status": result.status, "error": result.error, "ms": ms}
        row.log = [*row.log, attempt][-LOG_ENTRIES:]
        row.next_try_at, row.in_quiet_hours = None, False
        row.state, row.last_error = DeliveryState.DELIVERED, ""
        if not result.ok:
            schedule_retry(row, result)
        row.ended_at = None if row.next_try_at else clock.now()
        row.save()
        leases.release(row)
    DELIVERIES.labels(delivery.channel.kind if delivery.channel else "mail", outcome_of(row)).inc()
    if result.gone and delivery.channel:
        channels.disable(delivery.channel, actor=None, reason=result.error)
    return True


def outcome_of(row: Delivery) -> str:
    """What became of an attempt that was recorded."""
    return "retried" if row.state == DeliveryState.PENDING else str(row.state)


def schedule_retry(row: Delivery, result: SendResult) -> None:
    """Set the time of the next attempt, or give up. Unsaved."""
    last = result.final or result.gone or row.type == TEST
    row.next_try_at = None if last else retry_at(row, result)
    row.state = DeliveryState.PENDING if row.next_try_at else DeliveryState.GIVEN_UP
    tries = f"{row.attempts} {'try' if row.attempts == 1 else 'tries'}"
    given_up = "" if last or row.next_try_at else f"Given up after {tries} in 24 hours. "
    row.last_error = f"{given_up}{result.error}"[:500]


def retry_at(row: Delivery, result: SendResult) -> datetime | None:
    now, delay = clock.now(), jittered(retries.delay_after(row.attempts))
    return retries.next_attempt_at(
        delay, row.tried_from or now, now, retry_after_s=result.retry_after_s
    )
