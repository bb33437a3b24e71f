"""Replaces the name of a person who asked for it by a pseudonym, in events that are there.

As with retention, a record is sealed first: a seal that covers no new event, but has the digests of
the changed ones. It is what makes the triggers let these change, and what verification compares
them with from then on.
"""

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.db.models.functions import Cast

from sequin_admin.audit.models import Event
from sequin_admin.audit.sealing import Chains, lock_key
from sequin_admin.audit.seals import COLUMNS, REDACTION, digest_event, write_entries
from sequin_admin.audit.tables import INSTALLATION, Redaction, RepeatedEvent, Seal
from sequin_admin.core import clock, leases
from sequin_admin.core.clock import DatabaseTime

LEASE, SOON = timedelta(minutes=2), timedelta(seconds=5)
# Until what was under way when the account went has written its events.
BEGIN_AFTER = timedelta(minutes=1)
# Events that are looked at, and that are changed, in one transaction.
LOOKED_AT, LARGEST = 20_000, 500
ORIGIN = {"address": "", "user_agent": ""}
# In details: where the person's session was that they ended.
ORIGIN_DETAILS = ("ended_address", "ended_browser")


def request_redaction(person: str, names: Sequence[str], pseudonym: str) -> None:
    """Have the names replaced in all events until now, and the addresses that the person called
    from removed. `person` is the id of the account."""
    given = sorted({name for name in names if name}, key=len, reverse=True)
    due_at = clock.now() + BEGIN_AFTER
    asked = Redaction.objects.create(person=person, names=given, pseudonym=pseudonym, due_at=due_at)
    counted = RepeatedEvent.objects.annotate(text=Cast("columns", models.TextField()))
    for row in counted.filter(any_of("text", [*given, person])):
        RepeatedEvent.objects.filter(pk=row.pk).update(columns=redact(row.columns, asked))


def any_of(column: str, names: Sequence[str]) -> models.Q:
    found = models.Q(pk__in=[])
    for name in names:
        found |= models.Q((f"{column}__icontains", name))
    return found


def claim_due(room: int) -> Sequence[Redaction]:
    due = Redaction.objects.filter(due_at__lte=DatabaseTime()).order_by("due_at")
    return leases.claim_due(due, room, LEASE)


def redact_claimed(row: Redaction) -> None:
    """The next events; the row goes with the last of them, as it has the names."""
    if row.last_event is None:
        newest = Event.objects.order_by("-pk").values_list("pk", flat=True).first()
        row.last_event = newest or 0
    done = redact_next(row, row.last_event)
    if done is None:
        leases.release(row, due_at=DatabaseTime(SOON, stored=True))
    elif done >= row.last_event:
        leases.still_mine(row).delete()
    else:
        now = DatabaseTime(stored=True)
        leases.release(row, done_event=done, last_event=row.last_event, due_at=now)


@transaction.atomic
def redact_next(row: Redaction, last: int) -> int | None:
    """Up to which id events are done now; None while another process seals."""
    until = min(row.done_event + LOOKED_AT, last)
    found = list(find_events(row, until).values(*COLUMNS)[:LARGEST])
    if len(found) == LARGEST:
        until = found[-1]["id"]
    key = lock_key() if found else None
    if found and key is None:
        return None
    changed = [after for before in found if (after := redact(before, row)) != before]
    grouped: dict[UUID, list[dict[str, Any]]] = {}
    for event in changed:
        grouped.setdefault(event["organization_id"] or INSTALLATION, []).append(event)
    if key:
        chains = Chains(key, grouped)
        for chain, events in grouped.items():
            chains.add_seal(record_of(chain, events, chains.secret))
        chains.save()
    for event in changed:
        change_event(event)
    return until


def find_events(row: Redaction, until: int) -> models.QuerySet[Event]:
    events = Event._base_manager.filter(pk__gt=row.done_event, pk__lte=until)
    events = events.annotate(text=Cast("details", models.TextField()))
    acted = models.Q(actor_type="user", actor_id=row.person)
    acted |= models.Q(target_type="user", target_id=row.person)
    named = any_of("actor", row.names) | any_of("target", row.names)
    named |= any_of("text", [json.dumps(name)[1:-1] for name in row.names])
    return events.filter(acted | named).order_by("pk")


def redact(event: dict[str, Any], row: Redaction) -> dict[str, Any]:
    """The columns of the event without the person."""
    replaced = {
        name: replace_names(event[name], row.names, row.pseudonym)
        for name in ("actor", "target", "details")
    }
    redacted, person = {**event, **replaced}, ("user", row.person)
    acted = (event["actor_type"], event["actor_id"]) == person
    meant = (event["target_type"], event["target_id"]) == person
    if acted:
        redacted["actor"] = row.pseudonym
    if meant:
        redacted["target"] = row.pseudonym
        told = redacted["details"]
        redacted["details"] = {k: "" if k in ORIGIN_DETAILS else v for k, v in told.items()}
    # A failed login of the person has no actor.
    return {**redacted, **(ORIGIN if acted or (meant and not event["actor_id"]) else {})}


def replace_names(value: object, names: Sequence[str], pseudonym: str) -> object:
    """A text or JSON value with the pseudonym for each name, whatever the case."""
    if isinstance(value, str):
        # Not within a longer address.
        pattern = rf"(?<![\w.+-])(?:{'|'.join(map(re.escape, names))})(?![\w-])(?!\.\w)"
        return re.sub(pattern, pseudonym, value, flags=re.IGNORECASE) if names else value
    if isinstance(value, dict):
        return {key: replace_names(each, names, pseudonym) for key, each in value.items()}
    if isinstance(value, list):
        return [replace_names(each, names, pseudonym) for each in value]
    return value


def record_of(chain: UUID, changed: Sequence[dict[str, Any]], secret: bytes) -> Seal:
    """A seal that lets these events change, and says how they are then. It has no number yet."""
    digests = {
        event["id"]: digest_event(secret, [event[name] for name in COLUMNS]) for event in changed
    }
    return Seal(
        chain=chain,
        anchor=REDACTION,
        first_id=changed[0]["id"],
        last_id=changed[-1]["id"],
        entries=write_entries(digests),
    )


def change_event(event: dict[str, Any]) -> None:
    names = ("actor", "target", "details", *ORIGIN)
    row = Event._base_manager.filter(pk=event["id"])
    row.update(**{name: event[name] for name in names})
