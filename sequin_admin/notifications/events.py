"""Messages about changes of rows, with severity `info`: for programs and for audit channels."""

from collections.abc import Iterable
from typing import Any, Protocol, cast
from uuid import UUID

from django.conf import settings
from django.db import models

from sequin_admin.access.models import Organization
from sequin_admin.audit.models import SYSTEM, record_change, record_changes
from sequin_admin.core import clock
from sequin_admin.core.actors import Actor, AnyActor
from sequin_admin.core.words import format_time
from sequin_admin.notifications import outbox
from sequin_admin.notifications.message import TYPES, Message, Severity

# Audit actions that are posted under a common type.
POSTED_AS = {
    "credential.changed": "credential.updated",
    "credential.secrets_replaced": "credential.updated",
    "credential.reconnected": "credential.updated",
    "credential.account_replaced": "credential.updated",
    "oauth_app.changed": "oauth_app.updated",
    "sync.changed": "sync.updated",
}


class Row(Protocol):
    """A row that belongs to an organization."""

    @property
    def pk(self) -> UUID: ...

    @property
    def organization(self) -> Organization: ...


class Announced(Row, Protocol):
    """A row whose changes are messages, to which channels can subscribe."""

    def message_path(self, action: str) -> str:
        """The page that a message about `action` leads to."""

    def message_data(self, action: str, details: dict[str, Any]) -> dict[str, Any]:
        """What programs learn, beside the id, name and actor. `details` are those of the audit."""


def record_and_notify(row: Announced, action: str, actor: AnyActor, **details: Any) -> None:
    """Record a change in the audit log and, for types in `TYPES`, post it to the outbox."""
    record_change(cast(models.Model, row), action, actor, **details)
    notify_change(row, action, actor, **details)


def record_and_notify_many(
    organization: Organization,
    changes: Iterable[tuple[Announced, str, dict[str, Any]]],
    actor: AnyActor,
) -> None:
    """As `record_and_notify()`, for many rows at once: each with its action and the details."""
    listed = list(changes)
    record_changes(((cast(models.Model, row), action, more) for row, action, more in listed), actor)
    if channels := outbox.find_channels([organization.pk]):
        messages = (message_of_change(row, action, actor, **more) for row, action, more in listed)
        outbox.post_all([(organization, message) for message in messages if message], channels)


def notify_change(
    row: Announced, action: str, actor: AnyActor, *, text: str = "", **details: Any
) -> None:
    if message := message_of_change(row, action, actor, text=text, **details):
        outbox.post(row.organization, message)


def message_of_change(
    row: Announced, action: str, actor: AnyActor, *, text: str = "", **details: Any
) -> Message | None:
    """The message that `notify_change()` posts; None when nobody can subscribe to the action."""
    type_ = POSTED_AS.get(action, action)
    if type_ not in TYPES:
        return None
    path, data = row.message_path(action), row.message_data(action, details)
    return message_for(type_, row, actor=actor, path=path, text=text, **data)


def message_for(
    type_: str, row: Row, *, actor: AnyActor, path: str, text: str = "", **data: Any
) -> Message:
    """The message that `row` changed. `data` must hold no secrets."""
    at = clock.now()
    who = str(Actor.of(actor).row or SYSTEM)
    return Message(
        type=type_,
        key=f"{type_.partition('.')[0]}:{row.pk}",
        severity=Severity.INFO,
        title=f"{TYPES[type_]}: {row}",
        text=text or f"{who} did this on {format_time(at)}. Nobody must act.",
        action_url=f"{settings.PUBLIC_URL}{path}",
        data={"id": str(row.pk), "name": str(row), "actor": who, **data},
    )
