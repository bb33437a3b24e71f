"""Pairs of sync and consumer: which there are, which are due, and why the others are not."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from sequin_admin.access.models import Organization
from sequin_admin.core import clock, leases
from sequin_admin.core.clock import DatabaseTime
from sequin_admin.core.monitored import Monitored
from sequin_admin.health.status import Status
from sequin_admin.syncs.models import Consumer, RunSlot, Sync
from sequin_admin.syncs.runs import pacing

BROKEN = (Status.CUSTOMER, Status.SEQUIN)
WHO = {Status.CUSTOMER: "The customer must act", Status.SEQUIN: "We must act"}
LINKS = Consumer.syncs.through._default_manager


def make_slots(organization: Organization, syncs: QuerySet[Sync] | None = None) -> bool:
    """Make the slots of pairs that have none yet. Whether there were any."""
    rows = Sync.objects.of(organization) if syncs is None else syncs
    missing = list(missing_slots(organization, rows))
    if missing:
        RunSlot.objects.bulk_create(missing, ignore_conflicts=True, batch_size=500)
    return bool(missing)


def missing_slots(organization: Organization, syncs: QuerySet[Sync]) -> Iterator[RunSlot]:
    syncs = syncs.filter(disabled_at=None)
    taken = RunSlot.objects.filter(sync=OuterRef("sync"), consumer=OuterRef("consumer"))
    active = Consumer.objects.of(organization).filter(disabled_at=None)
    links = LINKS.filter(consumer__in=active, sync__in=syncs, consumer__all_syncs=False)
    pairs = list(links.filter(~Exists(taken)).values_list("sync", "consumer"))
    for consumer in active.filter(all_syncs=True).values_list("pk", flat=True):
        slots = RunSlot.objects.filter(sync=OuterRef("pk"), consumer=consumer)
        pairs += [
            (pk, consumer) for pk in syncs.filter(~Exists(slots)).values_list("pk", flat=True)
        ]
    for sync, consumer in pairs:
        yield RunSlot(organization=organization, sync_id=sync, consumer_id=consumer)


def selected() -> Q:
    """Pairs whose consumer selects the sync."""
    link = LINKS.filter(consumer=OuterRef("consumer"), sync=OuterRef("sync"))
    return Q(consumer__all_syncs=True) | Q(Exists(link))


def active_slots() -> "QuerySet[RunSlot]":
    """Pairs of an active consumer and a sync that is neither disabled nor paused."""
    return RunSlot.objects.filter(
        selected(), sync__disabled_at=None, sync__paused_at=None, consumer__disabled_at=None
    )


def due_slots(organization: Organization) -> "QuerySet[RunSlot]":
    """The pairs that may be claimed now, longest due first."""
    # What stopped it may have ended with the secrets that were replaced since.
    moving = Q(stopped_at=None) | Q(stopped_at__lt=F("sync__credential__secrets_changed_at"))
    return (
        active_slots()
        .filter(leases.unleased(), moving, organization=organization, due_at__lte=DatabaseTime())
        .filter(sync__credential__disabled_at=None)
        .exclude(sync__credential__health_status__in=BROKEN)
        .exclude(consumer__target__health_status__in=BROKEN)
        .order_by("due_at", "pk")
    )


def reschedule(sync: Sync) -> None:
    """Let the next runs be due by the sync's frequency, which has changed. A retry keeps its time,
    and what is due stays so."""
    now = clock.now()
    rows = RunSlot.objects.filter(sync=sync, failures=0, due_at__gt=now)
    for slot in rows.exclude(last_started_at=None).order_by("pk"):
        due_at = pacing.next_due(sync.sync_frequency, slot.last_started_at or now, now)
        RunSlot.objects.filter(pk=slot.pk).update(due_at=due_at)


@dataclass(frozen=True)
class RunSchedule:
    """When the next run of a pair is due. `state` is one word, `reason` the sentence about it."""

    consumer_id: UUID
    state: str
    reason: str
    due_at: datetime | None
    failures: int
    last_succeeded_at: datetime | None


def schedules_of(sync: Sync) -> list[RunSchedule]:
    """The pairs of the sync with its consumers, in the order of their names."""
    rows = RunSlot.objects.filter(selected(), sync=sync)
    known = list(rows.select_related("consumer__target").defer("consumer__target__secrets"))
    new = list(missing_slots(sync.organization, Sync.objects.filter(pk=sync.pk)))
    pairs = sorted([*known, *new], key=lambda slot: (slot.consumer.name, slot.consumer_id))
    return [schedule_of(slot, sync) for slot in pairs]


def schedule_of(slot: RunSlot, sync: Sync) -> RunSchedule:
    state, reason = state_of(slot, sync)
    is_waiting = state in ("due", "scheduled")
    return RunSchedule(
        slot.consumer_id,
        state,
        reason,
        slot.due_at if is_waiting else None,
        slot.failures,
        slot.last_succeeded_at,
    )


def state_of(slot: RunSlot, sync: Sync) -> tuple[str, str]:
    """The state of a pair, and why no run starts; empty when one does in its time."""
    if slot.is_leased():
        return "running", ""
    if sync.disabled_at:
        return "disabled", f"{sync} is disabled. Enable it first."
    if sync.paused_at:
        return "paused", f"{sync} is paused. Resume it, and its next run starts at once."
    if not slot.consumer.active:
        return "disabled", f"The consumer {slot.consumer} is not active. Activate it first."
    if slot.stopped_at and slot.stopped_at >= sync.credential.secrets_changed_at:
        return "stopped", slot.stop_sentence
    for row in (sync.credential, slot.consumer.target):
        if row.is_disabled():
            return "blocked", f"The {row.entity_title} {row} is disabled. Enable it first."
        if row.health_status in BROKEN:
            return "blocked", blocked_sentence(row)
    return ("due" if slot.due_at <= clock.now() else "scheduled"), ""


def blocked_sentence(row: Monitored) -> str:
    who = WHO[Status(row.health_status)]
    return f"{who}: the {row.entity_title} {row} does not work. {row.health_note}".strip()
