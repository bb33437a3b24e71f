"""The audit log: who did what to which object, and when. Append only."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, Self

from django.db import models

from sequin_admin.audit.tables import (
    AuditExport,
    ChainHead,
    Redaction,
    RepeatedEvent,
    Seal,
    SealKey,
    UnsealedEvent,
)
from sequin_admin.core import clock
from sequin_admin.core.actors import ADDRESS_CHARS, USER_AGENT_CHARS, Actor, AnyActor
from sequin_admin.core.concrete import concrete_model

__all__ = [
    "Actor",
    "AnyActor",
    "AppendOnly",
    "AuditExport",
    "ChainHead",
    "Event",
    "EventQuerySet",
    "Redaction",
    "RepeatedEvent",
    "Seal",
    "SealKey",
    "UnsealedEvent",
    "build_event",
    "get_audit_type",
    "record_change",
    "record_changes",
]


class AppendOnly(TypeError):
    """Raised on an attempt to change or delete an audit event."""


class EventQuerySet(models.QuerySet["Event"]):
    """Events of an organization or about a row, which nobody changes or deletes."""

    def of(self, organization_id: uuid.UUID) -> Self:
        return self.filter(organization_id=organization_id)

    def about(self, target: models.Model) -> Self:
        return self.filter(target_id=str(target.pk))

    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly("Audit events are append only.")

    def delete(self) -> NoReturn:
        raise AppendOnly("Audit events are append only.")


class Event(models.Model):
    """One action. `details` holds JSON values and never a secret."""

    organization_id = models.UUIDField(null=True, editable=False)
    at = models.DateTimeField(default=clock.now, editable=False)
    action = models.CharField(max_length=60, editable=False)
    actor = models.CharField(max_length=200, editable=False)
    actor_type = models.CharField(max_length=40, editable=False)
    actor_id = models.CharField(max_length=40, editable=False)
    target = models.CharField(max_length=200, editable=False)
    target_type = models.CharField(max_length=40, editable=False)
    target_id = models.CharField(max_length=40, editable=False)
    details = models.JSONField(default=dict, editable=False)
    # Where the actor called from; empty where that is not known, as for the system's own.
    address = models.CharField(max_length=ADDRESS_CHARS, default="", db_default="", editable=False)
    user_agent = models.CharField(
        max_length=USER_AGENT_CHARS, default="", db_default="", editable=False
    )

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("organization_id", "-id"), name="event_organization"),
            models.Index(fields=("organization_id", "at"), name="event_time"),
            models.Index(fields=("target_id", "-id"), name="event_target"),
        )

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.target}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly("Audit events are append only.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("Audit events are append only.")


SYSTEM = "Sequin Admin"
UNKNOWN = "Somebody not signed in"


def get_audit_type(thing: models.Model) -> str:
    """The name of the concrete model: a Stripe key is a `credential`.

    Stored events are never rewritten, so a model that was renamed keeps its former name in
    `audit_type`.
    """
    model = concrete_model(thing)
    return str(getattr(model, "audit_type", model._meta.model_name))


def record_change(
    target: models.Model | None,
    action: str,
    actor: AnyActor,
    *,
    organization_id: uuid.UUID | None = None,
    **details: Any,
) -> Event:
    """Write one event in the caller's transaction. `actor=None` is the system itself.

    An `Actor` says where it called from besides. `target=None` is a thing that is not known.

    It stands in the log of the target's organization, of a target without one in that of
    `organization_id`.
    """
    event = build_event(target, action, actor, organization_id=organization_id, **details)
    event.save()
    return event


def record_changes(
    changes: Iterable[tuple[models.Model, str, dict[str, Any]]], actor: AnyActor
) -> None:
    """As `record_change()`, for many targets at once: each with its action and the details."""
    described, columns = dict[uuid.UUID | None, dict[str, Any]](), columns_of(Actor.of(actor))
    Event.objects.bulk_create(
        build_event(target, action, actor, described=described, columns=columns, **details)
        for target, action, details in changes
    )


def build_event(
    target: models.Model | None,
    action: str,
    actor: AnyActor,
    *,
    organization_id: uuid.UUID | None = None,
    described: dict[uuid.UUID | None, dict[str, Any]] | None = None,
    columns: Mapping[str, str] | None = None,
    **details: Any,
) -> Event:
    """As `record_change()`, but not saved.

    `described` remembers what the actor adds to its events, by organization; `columns` are those
    that say who it was and from where.
    """
    actor = Actor.of(actor)
    organization_id = getattr(target, "organization_id", organization_id)
    described = {} if described is None else described
    if organization_id not in described:
        described[organization_id] = get_actor_details(actor.row, organization_id)
    return Event(
        organization_id=organization_id,
        action=action,
        **(columns_of(actor) if columns is None else columns),
        target=str(target or "")[:200],
        target_type=get_audit_type(target) if target else "",
        target_id=str(target.pk) if target else "",
        details={**details, **described[organization_id]},
    )


def columns_of(actor: Actor) -> dict[str, str]:
    """Columns of an event that say who it was, and from where."""
    return {**name_actor(actor), **actor.origin}


def name_actor(actor: Actor) -> dict[str, str]:
    """Columns of an event that say who it was."""
    if actor.row is None:
        name, actor_type = (UNKNOWN, "unknown") if actor.unknown else (SYSTEM, "system")
        return {"actor": name, "actor_type": actor_type, "actor_id": ""}
    return {
        "actor": str(actor.row)[:200],
        "actor_type": get_audit_type(actor.row),
        "actor_id": str(actor.row.pk),
    }


def get_actor_details(actor: AnyActor, organization_id: uuid.UUID | None) -> dict[str, Any]:
    """What the actor adds to each of its events, by a method `audit_details(organization_id)`."""
    describe = getattr(actor, "audit_details", None)
    return describe(organization_id) if describe and organization_id else {}
