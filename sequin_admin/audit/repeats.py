"""Events that somebody may cause again and again, such as a refused action or a wrong password.

Of one actor, action and address the first is written at once; those of the next ten minutes are
counted and written as one more. Of callers who are not signed in the whole installation has a cap.
"""

import json
import uuid
from datetime import timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import F

from sequin_admin.audit.models import Event, build_event
from sequin_admin.audit.tables import RepeatedEvent
from sequin_admin.core import clock
from sequin_admin.core.actors import Actor, AnyActor
from sequin_admin.core.digests import secret_key_digests

WINDOW = timedelta(minutes=10)
# Different events of callers who are not signed in, in ten minutes. The rest is counted as one.
MOST_UNKNOWN = 200
MOST_COUNTED = 1_000_000
COLUMNS = (
    *("organization_id", "action", "actor", "actor_type", "actor_id"),
    *("target", "target_type", "target_id", "details", "address", "user_agent"),
)
SAME = ("organization_id", "action", "actor_type", "actor_id", "target_id", "address")


def record_repeatable(
    target: models.Model | None,
    action: str,
    actor: AnyActor,
    *,
    organization_id: uuid.UUID | None = None,
    **details: Any,
) -> None:
    """As `record_change()`, but repeats are counted."""
    actor = Actor.of(actor)
    event = build_event(target, action, actor, organization_id=organization_id, **details)
    if count_repeat(event):
        return
    if actor.unknown and is_flooded():
        event = build_event(None, action, Actor(unknown=True), from_many=True)
        if count_repeat(event):
            return
    with transaction.atomic():
        first = RepeatedEvent(unknown=actor.unknown, **columns_of(event))
        _, created = RepeatedEvent.objects.get_or_create(
            key=first.key,
            defaults={"columns": first.columns, "unknown": first.unknown, "until": first.until},
        )
        if created:
            event.save()
    if not created:
        count_repeat(event)


def count_repeat(event: Event) -> bool:
    """Whether it is one, which is counted then."""
    same = RepeatedEvent.objects.filter(key=key_of(event))
    return bool(same.filter(count__lt=MOST_COUNTED).update(count=F("count") + 1) or same.exists())


def forget(organization_id: uuid.UUID) -> None:
    """Drop what was counted for an organization that is gone."""
    RepeatedEvent.objects.filter(columns__organization_id=str(organization_id)).delete()


def is_flooded() -> bool:
    return RepeatedEvent.objects.filter(unknown=True).count() >= MOST_UNKNOWN


def key_of(event: Event) -> str:
    """A digest: who reads the table has no use for it."""
    return secret_key_digests("audit.repeats", str([getattr(event, name) for name in SAME]))[0]


def columns_of(event: Event) -> dict[str, Any]:
    columns = json.loads(json.dumps({name: getattr(event, name) for name in COLUMNS}, default=str))
    return {"key": key_of(event), "columns": columns, "until": clock.now() + WINDOW}


def write_counted() -> None:
    """Write an event for each count whose ten minutes are over; a job of the worker."""
    over = RepeatedEvent.objects.filter(until__lte=clock.now())
    for key in over.order_by("until").values_list("pk", flat=True)[:1000]:
        write_one(over.filter(pk=key))


@transaction.atomic
def write_one(over: models.QuerySet[RepeatedEvent]) -> None:
    """Count on while it is repeated; nothing is left of what was not."""
    row = over.select_for_update(skip_locked=True).first()
    if row is None:
        return
    if not row.count:
        row.delete()
        return
    details = {**row.columns["details"], "repeated": row.count}
    Event.objects.create(**{**row.columns, "details": details})
    row.count, row.until = 0, clock.now() + WINDOW
    row.save(update_fields=["count", "until"])
