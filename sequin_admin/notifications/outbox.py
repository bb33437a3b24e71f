"""The outbox: messages are stored in the transaction of the change that they are about.

Each delivery is sent at least once, with retries for a day, and in order for each subject.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import UUIDField

from sequin_admin.access.models import Organization
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock, leases, pruning
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.prepared import PreparedQuery
from sequin_admin.notifications import delivery
from sequin_admin.notifications.message import TEST, Message, Severity
from sequin_admin.notifications.models import Channel, Delivery, DeliveryState, ordering_key_of

# Enabled channels by their organization's id.
Channels = Mapping[UUID, Sequence[Channel]]


class NotRedeliverable(Exception):
    """A delivery can't be sent again now. `str()` is a sentence for people."""


def post(organization: Organization, *messages: Message) -> list[Delivery]:
    """Store deliveries of messages: to each channel that subscribes, and to the customer.

    Call it in the transaction that makes the change, so that both are committed or neither.
    """
    return post_all([(organization, message) for message in messages])


CHANNELS_OF_ONE = PreparedQuery(
    lambda organization: (
        Channel.objects.enabled().filter(organization=organization).defer("secrets")
    ),
    {"organization": (UUIDField(), uuid4())},
    many=True,
)


def find_channels(owners: Iterable[UUID]) -> Channels:
    """The enabled channels of those organizations that have some.

    To the others there is no message to build, unless a customer gets it.
    """
    enabled, ids = defaultdict[UUID, list[Channel]](list), set(owners)
    if len(ids) == 1:
        channels: Iterable[Channel] = CHANNELS_OF_ONE.all(organization=ids.pop())
    else:
        channels = Channel.objects.enabled().filter(organization__in=ids).defer("secrets")
    for channel in channels:
        enabled[channel.organization_id].append(channel)
    return dict(enabled)


# In the caller's transaction a savepoint of its own would undo nothing that the caller keeps.
@transaction.atomic(savepoint=False)
def post_all(
    posted: Sequence[tuple[Organization, Message]], channels: Channels | None = None
) -> list[Delivery]:
    """As `post()`, for messages to several organizations, whose `channels` may be known."""
    if not posted:
        return []
    now, drafts, resolving = clock.now(), list[Delivery](), list[Delivery]()
    if channels is None:
        channels = find_channels(organization.pk for organization, _ in posted)
    for organization, message in posted:
        drafted = draft_deliveries(organization, message, now, channels.get(organization.pk, ()))
        drafts += drafted
        resolving += drafted if message.is_resolving else []
    if resolving:
        drop_obsolete(resolving, now)
    return Delivery.objects.bulk_create(drafts)


def post_to_customers(
    organization: Organization, messages: Iterable[tuple[Message, datetime | None]]
) -> list[Delivery]:
    """Store deliveries of messages to customers, which no channel gets; each with the time after
    which it is of no use, if there is one. Call it as `post()`."""
    now, drafts = clock.now(), list[Delivery]()
    for message, ends_at in messages:
        draft = draft_delivery(organization, message, now)
        draft.ends_at = ends_at
        drafts.append(draft)
    return Delivery.objects.bulk_create(drafts)


def draft_deliveries(
    organization: Organization, message: Message, now: datetime, enabled: Iterable[Channel]
) -> list[Delivery]:
    """Unsaved deliveries of one message."""
    drafts = [draft_delivery(organization, message, now, c) for c in enabled if c.wants(message)]
    if message.to_customer:
        drafts.append(draft_delivery(organization, message, now))
    return drafts


def draft_delivery(
    organization: Organization, message: Message, now: datetime, channel: Channel | None = None
) -> Delivery:
    """An unsaved delivery through `channel`, or without one to the customer."""
    quiet_ends_at = channel.quiet_ends_at(message.severity, now) if channel else None
    to = "" if channel else message.to_customer
    return Delivery(
        organization=organization,
        channel=channel,
        to=to,
        type=message.type,
        severity=message.severity,
        ordering_key=ordering_key_of(channel.pk if channel else to, message.key),
        notice=message.as_json(),
        secrets={} if channel or not message.customer_url else {"url": message.customer_url},
        in_quiet_hours=quiet_ends_at is not None,
        next_try_at=quiet_ends_at or now,
    )


def drop_obsolete(drafts: list[Delivery], now: datetime) -> None:
    """Drop `.opened` deliveries still delayed by quiet hours, and the drafts that resolve them."""
    delayed = Delivery.objects.pending().filter(
        in_quiet_hours=True, attempts=0, type__endswith=".opened"
    )
    keys = [each.ordering_key for each in drafts]
    obsolete = list(delayed.filter(ordering_key__in=keys).select_for_update())
    columns = dropped_columns("It was over before the quiet hours were.", now)
    Delivery.objects.filter(pk__in=[row.pk for row in obsolete]).update(**columns)
    dropped = {row.ordering_key for row in obsolete}
    for each in drafts:
        if each.ordering_key in dropped:
            for column, value in columns.items():
                setattr(each, column, value)


@transaction.atomic
def withdraw(ids: Sequence[int], reason: str) -> set[str]:
    """Drop those of the deliveries that wait, for the first try or another. Returns the types of
    messages of which nothing was sent."""
    rows = Delivery.objects.filter(pk__in=ids)
    waiting = list(rows.pending().filter(leases.unleased()).select_for_update())
    pks = [row.pk for row in waiting]
    Delivery.objects.filter(pk__in=pks).update(**dropped_columns(reason, clock.now()))
    sent = rows.exclude(state=DeliveryState.DROPPED).values_list("type", flat=True)
    return {row.type for row in waiting} - set(sent)


def dropped_columns(reason: str, now: datetime) -> dict[str, Any]:
    return {
        "state": DeliveryState.DROPPED,
        "last_error": reason,
        "ended_at": now,
        "next_try_at": None,
    }


@transaction.atomic
def redeliver(delivery: Delivery, *, actor: AnyActor) -> None:
    """Schedule a finished delivery again, with the same id. Raises `NotRedeliverable`."""
    row = Delivery.objects.select_for_update().get(pk=delivery.pk)
    if row.state == DeliveryState.PENDING:
        raise NotRedeliverable("It waits to be sent already.")
    if row.message.customer_plain:
        raise NotRedeliverable("Send the link again from its page, which counts it.")
    if row.channel and not row.channel.enabled:
        raise NotRedeliverable(f"{row.channel} is disabled. Enable it first.")
    row.state, row.last_error, row.urgent, row.in_quiet_hours = (
        DeliveryState.PENDING,
        "",
        True,
        False,
    )
    row.attempts, row.tried_from, row.ended_at = 0, None, None
    row.next_try_at = clock.now()
    row.save()
    leases.revoke(row)
    record_change(row, "delivery.repeated", actor, type=row.type)


def send_test(channel: Channel, *, actor: AnyActor) -> Delivery:
    """Send a test message now, regardless of subscription, quiet hours and being disabled."""
    now = clock.now()
    message = Message(
        type=TEST,
        key=f"test:{now.isoformat()}",
        severity=Severity.INFO,
        title="A test from Sequin Admin",
        text=f"{channel.organization} can reach you here. Nothing happened and nobody must act.",
    )
    row = draft_delivery(channel.organization, message, now, channel)
    row.urgent, row.next_try_at = True, now
    with transaction.atomic():
        row.save()
        leases.take_locked([row], delivery.LEASE)
        record_change(channel, "channel.tested", actor)
    delivery.deliver_claimed(row)
    row.refresh_from_db()
    return row


def prune() -> int:
    """Delete finished deliveries that are old. Returns how many."""
    old = Delivery.objects.filter(created_at__lt=pruning.cutoff("KEEP_DELIVERIES_DAYS"))
    return pruning.prune(old.exclude(state=DeliveryState.PENDING), by="created_at")
